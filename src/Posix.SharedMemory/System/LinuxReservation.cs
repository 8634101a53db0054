using Posix.SharedMemory.Interop;

namespace Posix.SharedMemory;

/// <summary>
/// Moves a name without replacing another where neither <c>renameat2</c> nor a hard link can: a symbolic link, which only one process can make, holds the new name until the object
/// replaces it.
/// </summary>
/// <remarks>
/// The link leads to the object: <c>.//frames</c>. Two slashes tell it from other programs' links, so that a process which opens the name at this moment tries again. A kill at this
/// moment leaves the link.
/// </remarks>
internal readonly struct LinuxReservation(SystemCalls calls, LinuxFiles files)
{
    private static ReadOnlySpan<byte> Prefix => ".//"u8;

    /// <summary>Returns whether a symbolic link that was met at a path is one, or has gone already: then the object has come.</summary>
    internal bool WasAt(ReadOnlySpan<byte> path)
    {
        Span<byte> start = stackalloc byte[Prefix.Length];
        var length = calls.OnBytes(nameof(Libc.readlink), path, ref start, static (ref path, _, ref start) => Libc.readlink(ref path, ref start[0], (nuint)start.Length));
        return length == -1 ? SystemCalls.ErrorOf(length) is Errno.EINVAL or Errno.ENOENT : start[..(int)length].SequenceEqual(Prefix);
    }

    /// <param name="from">It ends with a NUL, and so does the other, which is in the same directory.</param>
    /// <param name="to">Where it goes.</param>
    internal Errno Move(ReadOnlySpan<byte> from, ReadOnlySpan<byte> to)
    {
        var error = calls.OnPaths(
            nameof(Libc.symlink), [.. Prefix, .. from[(from.LastIndexOf((byte)'/') + 1)..]], to, 0, static (ref target, ref path, ref _) => Libc.symlink(ref target, ref path));
        if (error is Errno.EPERM or Errno.ENOSYS or Errno.EINVAL or Errno.EOPNOTSUPP)
        {
            throw new PlatformNotSupportedException(
                "This file system may make another file of a hard link, it or a filter in front of it cannot rename without replacing, and a symbolic link, which would hold the name meanwhile, is refused. "
                + "Use RenameMode.Replace, or NameConflict.Replace where an object is created.");
        }

        if (!error.IsSuccess)
        {
            return error;
        }

        // Another process may have replaced the link already, which does not ask whose name it takes: then that object is not replaced here.
        error = IsObject(to) ? Errno.EEXIST : files.Rename(from, to);
        if (!error.IsSuccess && !IsObject(to))
        {
            _ = files.Unlink(to);
        }

        return error;
    }

    private bool IsObject(ReadOnlySpan<byte> path) => files.Stat(path, out var statx).IsSuccess && LinuxFiles.IsRegularFile(statx);
}
