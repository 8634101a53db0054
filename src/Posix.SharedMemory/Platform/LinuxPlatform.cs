using Microsoft.Win32.SafeHandles;
using Posix.SharedMemory.Interop;
using static Posix.SharedMemory.Interop.Linux;
using static Posix.SharedMemory.Interop.Unix;

namespace Posix.SharedMemory;

/// <summary>Linux: a named object is a regular file in /dev/shm, as every C library there has it.</summary>
internal partial class LinuxPlatform : PosixPlatform
{
    /// <summary>Room for the directory, the longest name and the NUL.</summary>
    private const int PathBytes = 9 + ObjectName.MaxBytes + 1;

    private static ReadOnlySpan<byte> DirectoryPath => "/dev/shm\0"u8;

    internal override bool HasUnpublishedObjects => true;

    internal override string PublishCall => nameof(Libc.linkat);

    internal override Errno Open(
        in ObjectName name, FileMode mode, FileAccess access, UnixFileMode permissions, out SafeFileHandle? handle)
    {
        var accessMode = access == FileAccess.Read ? O_RDONLY : O_RDWR;
        var flags = accessMode | CreationFlags(mode) | O_NOFOLLOW | O_CLOEXEC;
        Span<byte> path = stackalloc byte[PathBytes];
        WritePath(name, path);
        if (mode == FileMode.CreateNew)
        {
            // What O_EXCL makes is a regular file.
            return OpenPath(path, flags, permissions, out handle);
        }

        var error = OpenRegularFile(path, flags, permissions, out handle);
        if (handle is null)
        {
            return error == Errno.EISDIR ? Errno.EINVAL : error;
        }

        // The descriptor gets the flags that glibc's has. Should that fail, the flag left over has no effect on a regular file.
        _ = Fails(nameof(Libc.fcntl)) ? -1 : Libc.fcntl(handle, F_SETFL, accessMode);
        return default;
    }

    internal override Errno Unlink(in ObjectName name)
    {
        Span<byte> path = stackalloc byte[PathBytes];
        WritePath(name, path);
        return AsAccessError(UnlinkPath(path));
    }

    internal override Errno Rename(in ObjectName from, in ObjectName to, RenameMode mode)
    {
        if (from.Equals(to))
        {
            return default;
        }

        var error = mode switch
        {
            RenameMode.Exchange => Exchange(from, to),
            RenameMode.NoReplace => RenameWithFlags(from, to, RENAME_NOREPLACE),
            _ => RenameReplacing(from, to),
        };
        return error == Errno.EISDIR || error == Errno.ENOTDIR ? Errno.EINVAL : AsAccessError(error);
    }

    internal override Errno SetPermissions(in ObjectName name, ObjectIdentity identity, UnixFileMode permissions)
    {
        Span<byte> path = stackalloc byte[PathBytes];
        WritePath(name, path);
        // Opened for nothing, which needs no permission: its owner may have none, and still may give himself some.
        var error = OpenPath(path, O_PATH | O_NOFOLLOW | O_CLOEXEC, UnixFileMode.None, out var handle);
        if (handle is null)
        {
            return error;
        }

        using (handle)
        {
            error = TryStat(handle, STATX_BASIC_STATS, out var statx);
            return !error.IsSuccess ? error
                : StatusOf(statx).Identity != identity ? Errno.ENOENT
                : SetPermissionsThroughProc(handle, permissions);
        }
    }

    internal override SharedMemoryStatus? Find(in ObjectName name)
    {
        Span<byte> path = stackalloc byte[PathBytes];
        WritePath(name, path);
        var error = StatPath(path, out var statx);
        if (error == Errno.ENOENT)
        {
            return null;
        }

        ThrowIfFailed(error, nameof(Libc.statx), name);
        return IsRegularFile(statx) ? StatusOf(statx) : null;
    }

    private static int CreationFlags(FileMode mode) => mode switch
    {
        FileMode.OpenOrCreate => O_CREAT,
        FileMode.CreateNew => O_CREAT | O_EXCL,
        FileMode.Create => O_CREAT | O_TRUNC,
        FileMode.Truncate => O_TRUNC,
        _ => 0,
    };

    private static void WritePath(in ObjectName name, Span<byte> path)
    {
        "/dev/shm/"u8.CopyTo(path);
        name.WriteTo(path["/dev/shm/"u8.Length..]);
    }

    /// <summary>POSIX and glibc say EACCES where the kernel, for a sticky directory, says EPERM.</summary>
    private static Errno AsAccessError(Errno error) => error == Errno.EPERM ? Errno.EACCES : error;

    private Errno RenameReplacing(in ObjectName from, in ObjectName to)
    {
        Span<byte> oldPath = stackalloc byte[PathBytes];
        Span<byte> newPath = stackalloc byte[PathBytes];
        WritePath(from, oldPath);
        WritePath(to, newPath);
        var error = RenamePath(oldPath, newPath);
        return error.IsSuccess ? RemoveTwin(from, to) : error;
    }

    /// <summary>Between two hard links of one file rename(2) does nothing and succeeds: then the old name is still to go.</summary>
    private Errno RemoveTwin(in ObjectName from, in ObjectName to) =>
        Find(to) is { NameCount: > 1 } renamed && Find(from)?.Identity == renamed.Identity ? Unlink(from) : default;

    /// <summary>Swaps two names; with the second one missing it moves the first, as FreeBSD does.</summary>
    private Errno Exchange(in ObjectName from, in ObjectName to)
    {
        while (true)
        {
            var error = RenameWithFlags(from, to, RENAME_EXCHANGE);
            if (error != Errno.ENOENT)
            {
                return error;
            }

            // One of them is missing. If it is the second, moving succeeds, unless somebody creates it in this instant.
            error = RenameWithFlags(from, to, RENAME_NOREPLACE);
            if (error != Errno.EEXIST)
            {
                return error;
            }
        }
    }

    private unsafe Errno RenameWithFlags(in ObjectName from, in ObjectName to, int flags)
    {
        Span<byte> oldPath = stackalloc byte[PathBytes];
        Span<byte> newPath = stackalloc byte[PathBytes];
        WritePath(from, oldPath);
        WritePath(to, newPath);
        // SAFETY: both paths are pinned for the length of the call and end with a NUL.
        fixed (byte* oldPointer = oldPath, newPointer = newPath)
        {
            var error = ErrorOf(Fails(nameof(Libc.renameat2))
                ? -1
                : Libc.renameat2(SYS_renameat2, AT_FDCWD, oldPointer, AT_FDCWD, newPointer, flags));
            return error == Errno.ENOSYS
                ? throw new PlatformNotSupportedException(
                    "This kernel, or a filter in front of it, lacks renameat2, which NoReplace and Exchange need. Use RenameMode.Replace.")
                : error;
        }
    }
}
