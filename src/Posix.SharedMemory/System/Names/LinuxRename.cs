using Posix.SharedMemory.Interop;
using static Posix.SharedMemory.Interop.Linux;

namespace Posix.SharedMemory;

/// <summary>Moves a path with <c>renameat2</c>, or what comes closest to it.</summary>
internal sealed class LinuxRename(SystemCalls calls, LinuxFiles files)
{
    /// <param name="oldPath">It ends with a NUL, and so does the other.</param>
    /// <param name="newPath">Where it goes.</param>
    /// <param name="flags">RENAME_NOREPLACE or RENAME_EXCHANGE.</param>
    internal Errno Rename(ReadOnlySpan<byte> oldPath, ReadOnlySpan<byte> newPath, int flags)
    {
        var error = RenamePaths(oldPath, newPath, flags);
        // A filter may say EPERM, too, which for a rename that is not allowed is the truth: for names that cannot exist it is not.
        var isLacking = error is Errno.ENOSYS or Errno.EINVAL || (error == Errno.EPERM && RenamePaths("\0"u8, "\0"u8, flags) == Errno.EPERM);
        return !isLacking ? error
            : flags == RENAME_NOREPLACE ? MoveWithoutReplacing(oldPath, newPath)
            : throw new PlatformNotSupportedException(
                "This kernel or file system, or a filter in front of it, lacks renameat2, which Exchange needs. Use RenameMode.Replace.");
    }

    private Errno RenamePaths(ReadOnlySpan<byte> from, ReadOnlySpan<byte> to, int flags) =>
        calls.OnPaths(nameof(Libc.renameat2), from, to, flags, static (ref from, ref to, ref flags) =>
            Libc.renameat2(SYS_renameat2, AT_FDCWD, ref from, AT_FDCWD, ref to, flags));

    private Errno MoveWithoutReplacing(ReadOnlySpan<byte> from, ReadOnlySpan<byte> to) =>
        files.MayLinksBeTwoFiles(from) ? new LinuxReservation(calls, files).Move(from, to) : LinkAndUnlink(from, to);

    /// <summary>Moves a name without replacing another, where <c>renameat2</c> is lacking: for an instant the object has both names.</summary>
    private Errno LinkAndUnlink(ReadOnlySpan<byte> from, ReadOnlySpan<byte> to)
    {
        var error = LinkPaths(from, to);
        if (!error.IsSuccess)
        {
            // A link may be refused for other reasons, too; that of a name that cannot exist only by a filter.
            return error is Errno.ENOSYS or Errno.EINVAL or Errno.EPERM && LinkPaths("\0"u8, "\0"u8) == error
                ? throw new PlatformNotSupportedException(
                    "A filter refuses renameat2 and linkat, one of which a name needs that replaces no other. Use RenameMode.Replace, or NameConflict.Replace where an object is created.")
                : error;
        }

        error = files.Unlink(from);
        if (!error.IsSuccess)
        {
            _ = files.Unlink(to);
        }

        return error;
    }

    private Errno LinkPaths(ReadOnlySpan<byte> from, ReadOnlySpan<byte> to) =>
        calls.OnPaths(nameof(Libc.linkat), from, to, 0, static (ref from, ref to, ref _) => Libc.linkat(AT_FDCWD, ref from, AT_FDCWD, ref to, 0));
}
