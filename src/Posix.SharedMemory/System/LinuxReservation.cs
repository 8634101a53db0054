using System.Text;
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
        var error = Read(path, ref start);
        return error.IsSuccess ? start.SequenceEqual(Prefix) : error is Errno.EINVAL or Errno.ENOENT;
    }

    /// <summary>Removes the link that a process left when it was killed while it gave a new object its name.</summary>
    /// <returns>
    /// Whether there was one. It is known by what it leads to: a temporary name, which is made once, and is gone, so that no process can move it here any more. A link that leads to an
    /// object's name, which is being moved or was, is left alone.
    /// </returns>
    internal bool TryRemoveAbandoned(ReadOnlySpan<byte> path)
    {
        // One byte more than it may have: a longer one is another program's.
        Span<byte> first = stackalloc byte[Prefix.Length + PublishingName.Length + 1], second = stackalloc byte[first.Length];
        if (!Read(path, ref first).IsSuccess || !first.StartsWith(Prefix) || !PublishingName.IsOne(Encoding.Latin1.GetString(first[Prefix.Length..])))
        {
            return false;
        }

        byte[] temporary = [.. path[..(path.LastIndexOf((byte)'/') + 1)], .. first[Prefix.Length..], 0];
        // The second look tells an object that has come meanwhile, and has the name, from a link that stays.
        return files.Stat(temporary, out _) == Errno.ENOENT && Read(path, ref second).IsSuccess && second.SequenceEqual(first) && files.Unlink(path).IsSuccess;
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

    /// <summary>Reads where a link leads, or the beginning of it that there is room for.</summary>
    private Errno Read(ReadOnlySpan<byte> path, ref Span<byte> target)
    {
        var length = calls.OnBytes(nameof(Libc.readlink), path, ref target, static (ref path, _, ref target) => Libc.readlink(ref path, ref target[0], (nuint)target.Length));
        target = length == -1 ? target : target[..(int)length];
        return SystemCalls.ErrorOf(length);
    }

    private bool IsObject(ReadOnlySpan<byte> path) => files.Stat(path, out var statx).IsSuccess && LinuxFiles.IsRegularFile(statx);
}
