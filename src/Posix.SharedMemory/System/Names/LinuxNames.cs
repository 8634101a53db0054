using System.Buffers.Binary;
using System.Security.Cryptography;
using System.Text;
using Microsoft.Win32.SafeHandles;
using Posix.SharedMemory.Interop;
using static Posix.SharedMemory.Interop.Linux;
using static Posix.SharedMemory.Interop.Unix;
using static Posix.SharedMemory.SystemCalls;

namespace Posix.SharedMemory;

/// <summary>Linux: a named object is a regular file in /dev/shm, as every C library there has it.</summary>
/// <remarks>
/// A new object is a file without a name that can get one (<c>O_TMPFILE</c>, <c>linkat</c>). A crash at any point leaves nothing, since what has
/// no name goes with its last descriptor. Only taking over a name that is in use needs a temporary one: link cannot replace.
/// </remarks>
internal class LinuxNames(SystemCalls calls, LinuxFiles files, LinuxMembership locks) : SystemNames
{
    private const string TemporaryPrefix = ".shm-publish-";

    private const UnixFileMode OwnerOnly = UnixFileMode.UserRead | UnixFileMode.UserWrite;

    /// <summary>Room for the directory, the longest name and the NUL.</summary>
    private const int PathBytes = 9 + ObjectName.MaxBytes + 1;

    internal override Errno Open(in ObjectName name, FileMode mode, FileAccess access, UnixFileMode permissions, out SafeFileHandle? handle)
    {
        var accessMode = access == FileAccess.Read ? O_RDONLY : O_RDWR;
        var flags = accessMode | CreationFlags(mode) | O_NOFOLLOW | O_CLOEXEC;
        Span<byte> path = stackalloc byte[PathBytes];
        WritePath(name, path);
        if (mode == FileMode.CreateNew)
        {
            // What O_EXCL makes is a regular file.
            return files.Open(path, flags, permissions, out handle);
        }

        var error = files.OpenRegularFile(path, flags, permissions, out handle);
        if (handle is null)
        {
            return error == Errno.EISDIR ? Errno.EINVAL : error;
        }

        // The descriptor gets the flags that glibc's has. Should that fail, the flag left over has no effect on a regular file.
        _ = calls.Fails("fcntl(F_SETFL)") ? -1 : Libc.fcntl(handle, F_SETFL, accessMode);
        return default;
    }

    internal override Errno CreateUnpublished(out SafeFileHandle? handle, out ObjectName temporary)
    {
        temporary = default;
        var error = files.Open(LinuxFiles.Directory, O_TMPFILE | O_RDWR | O_CLOEXEC, OwnerOnly, out handle);
        return error == Errno.EOPNOTSUPP || error == Errno.EISDIR
            ? throw new PlatformNotSupportedException(
                "The file system at /dev/shm has no files without a name (O_TMPFILE). Use Open with FileMode.CreateNew, then SetLength.")
            : error;
    }

    internal override Errno Publish(in OpenObject target, in ObjectName temporary, in ObjectName name, RenameMode mode)
    {
        Span<byte> path = stackalloc byte[PathBytes];
        WritePath(name, path);
        return LinkOrTakeOver(target, LinuxFiles.Directory, path, mode);
    }

    internal override Errno Unlink(in ObjectName name)
    {
        Span<byte> path = stackalloc byte[PathBytes];
        WritePath(name, path);
        return AsAccessError(files.Unlink(path));
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

    internal override SharedMemoryStatus? Find(in ObjectName name)
    {
        Span<byte> path = stackalloc byte[PathBytes];
        WritePath(name, path);
        var error = files.Stat(path, out var statx);
        if (error == Errno.ENOENT)
        {
            return null;
        }

        Check(error, nameof(Libc.statx), name);
        return LinuxFiles.IsRegularFile(statx) ? LinuxFiles.StatusOf(statx) : null;
    }

    internal override NameWatch? Watch(in ObjectName name) => LinuxNameWatch.Start(calls, name);

    internal override IEnumerable<ObjectName> List() => ListFiles(LinuxFiles.Directory.ToArray());

    internal override Errno SetPermissions(in ObjectName name, ObjectIdentity identity, UnixFileMode permissions)
    {
        Span<byte> path = stackalloc byte[PathBytes];
        WritePath(name, path);
        // Opened for nothing, which needs no permission: the owner may have none, and still may grant some.
        var error = files.Open(path, O_PATH | O_NOFOLLOW | O_CLOEXEC, UnixFileMode.None, out var handle);
        if (handle is null)
        {
            return error;
        }

        using (handle)
        {
            error = files.Stat(handle, STATX_BASIC_STATS, out var statx);
            return !error.IsSuccess ? error
                : LinuxFiles.StatusOf(statx).Identity != identity ? Errno.ENOENT
                : files.SetPermissionsThroughProc(handle, permissions);
        }
    }

    internal override Errno OpenFile(in FilePath path, out SafeFileHandle? handle) =>
        files.OpenRegularFile(path.Bytes, O_RDWR | O_CLOEXEC, UnixFileMode.None, out handle);

    internal override Errno CreateFile(in FilePath path, out SafeFileHandle? handle, out FilePath? temporary)
    {
        temporary = null;
        var error = files.Open(path.Directory.Bytes, O_TMPFILE | O_RDWR | O_CLOEXEC, OwnerOnly, out handle);
        return error == Errno.EOPNOTSUPP || error == Errno.EISDIR
            ? throw new PlatformNotSupportedException(
                $"The file system at {path.Directory.Text} has no files without a name (O_TMPFILE). Put the region on tmpfs, ext4, XFS or Btrfs.")
            : error;
    }

    internal override Errno PlaceFile(in OpenObject target, FilePath? temporary, in FilePath path, RenameMode mode) =>
        LinkOrTakeOver(target, path.Directory.Bytes, path.Bytes, mode);

    internal override Errno RemoveFile(in FilePath path) => files.Unlink(path.Bytes);

    internal override Errno FindFile(in FilePath path, out ObjectIdentity identity)
    {
        var error = files.Stat(path.Bytes, out var statx);
        identity = LinuxFiles.StatusOf(statx).Identity;
        return error;
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
        var error = files.Rename(oldPath, newPath);
        return error.IsSuccess ? RemoveTwin(from, to) : error;
    }

    /// <summary>Between two hard links of one file rename(2) does nothing and succeeds: then the old name is still to be removed.</summary>
    private Errno RemoveTwin(in ObjectName from, in ObjectName to) =>
        Find(to) is { NameCount: > 1 } renamed && Find(from)?.Identity == renamed.Identity ? Unlink(from) : default;

    /// <summary>Swaps two names; where the second one is missing it moves the first, as FreeBSD does.</summary>
    private Errno Exchange(in ObjectName from, in ObjectName to)
    {
        while (true)
        {
            var error = RenameWithFlags(from, to, RENAME_EXCHANGE);
            if (error != Errno.ENOENT)
            {
                return error;
            }

            // One of them is missing. If it is the second, moving succeeds, unless another process creates it in this instant.
            error = RenameWithFlags(from, to, RENAME_NOREPLACE);
            if (error != Errno.EEXIST)
            {
                return error;
            }
        }
    }

    private Errno RenameWithFlags(in ObjectName from, in ObjectName to, int flags)
    {
        Span<byte> oldPath = stackalloc byte[PathBytes];
        Span<byte> newPath = stackalloc byte[PathBytes];
        WritePath(from, oldPath);
        WritePath(to, newPath);
        var error = calls.OnPaths(nameof(Libc.renameat2), oldPath, newPath, flags, static (ref from, ref to, ref flags) =>
            Libc.renameat2(SYS_renameat2, AT_FDCWD, ref from, AT_FDCWD, ref to, flags));
        return error == Errno.ENOSYS
            ? throw new PlatformNotSupportedException(
                "This kernel, or a filter in front of it, lacks renameat2, which NoReplace and Exchange need. Use RenameMode.Replace.")
            : error;
    }

    private Errno LinkOrTakeOver(in OpenObject target, ReadOnlySpan<byte> directory, ReadOnlySpan<byte> path, RenameMode mode)
    {
        var error = files.Link(target, path);
        return error == Errno.EEXIST && mode == RenameMode.Replace ? TakeOver(target, directory, path) : AsAccessError(error);
    }

    private Errno TakeOver(in OpenObject target, ReadOnlySpan<byte> directory, ReadOnlySpan<byte> path)
    {
        TryRemoveAbandonedTemporaries(directory);
        // The lock tells a later sweep that this temporary name is not abandoned. The kernel drops it if this process dies.
        locks.Wait(target, RecordLock.Publishing);
        try
        {
            var random = RandomNumberGenerator.GetHexString(16, lowercase: true);
            var temporary = PathIn(directory, Encoding.ASCII.GetBytes(TemporaryPrefix + random));
            var error = files.Link(target, temporary);
            if (!error.IsSuccess)
            {
                return AsAccessError(error);
            }

            // The temporary name does not belong to the other: nothing is left to look for.
            error = files.Rename(temporary, path);
            if (!error.IsSuccess)
            {
                _ = files.Unlink(temporary);
            }

            return error == Errno.EISDIR ? Errno.EINVAL : AsAccessError(error);
        }
        finally
        {
            locks.Release(target, RecordLock.Publishing);
        }
    }

    private void TryRemoveAbandonedTemporaries(ReadOnlySpan<byte> directory)
    {
        try
        {
            RemoveAbandonedTemporaries(directory);
        }
        catch (SharedMemoryException)
        {
            // A directory that cannot be listed now is no reason not to publish: a later sweep finds what is left.
        }
    }

    /// <summary>Removes temporary names whose maker died between link and rename: the kernel has dropped its lock.</summary>
    private void RemoveAbandonedTemporaries(ReadOnlySpan<byte> directory)
    {
        foreach (var name in ListFiles(directory.ToArray()))
        {
            if (!name.Text!.StartsWith(TemporaryPrefix, StringComparison.Ordinal))
            {
                continue;
            }

            var path = PathIn(directory, name.ToArray());
            if (!files.Open(path, O_RDWR | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK, UnixFileMode.None, out var handle).IsSuccess)
            {
                continue;
            }

            using (handle)
            {
                if (locks.Try(new(handle!, name), RecordLock.Publishing, exclusive: true).IsSuccess)
                {
                    _ = files.Unlink(path);
                }
            }
        }
    }

    private static byte[] PathIn(ReadOnlySpan<byte> directory, ReadOnlySpan<byte> name) =>
        [.. directory[..directory.IndexOf((byte)0)], (byte)'/', .. name, 0];

    /// <summary>Lists the regular files in a directory, whatever bytes their names consist of.</summary>
    private IEnumerable<ObjectName> ListFiles(byte[] directoryPath)
    {
        var error = files.Open(directoryPath, O_RDONLY | O_DIRECTORY | O_CLOEXEC, UnixFileMode.None, out var directory);
        if (directory is null)
        {
            throw new SharedMemoryException(error, $"open({Encoding.UTF8.GetString(directoryPath).TrimEnd('\0')})");
        }

        using (directory)
        {
            var records = new byte[32 << 10];
            while (ReadRecords(directory, records) is var filled and > 0)
            {
                for (var at = 0; at < filled; at += BinaryPrimitives.ReadUInt16LittleEndian(records.AsSpan(at + LinuxDirent64.d_reclen)))
                {
                    var name = NameIn(records.AsSpan(at));
                    if (!name.IsNone)
                    {
                        yield return name;
                    }
                }
            }
        }
    }

    /// <summary>The name in a record; none for what is not a regular file and for POSIX semaphores, which are in that directory too.</summary>
    private static ObjectName NameIn(ReadOnlySpan<byte> record)
    {
        const byte Unknown = 0, RegularFile = 8;
        var name = record[LinuxDirent64.d_name..];
        name = name[..name.IndexOf((byte)0)];
        return record[LinuxDirent64.d_type] is Unknown or RegularFile && !name.SequenceEqual("."u8) && !name.SequenceEqual(".."u8)
            && !name.StartsWith("sem."u8)
                ? ObjectName.FromSystem(name)
                : default;
    }

    private int ReadRecords(SafeFileHandle directory, byte[] records)
    {
        var result = calls.OnBytes(nameof(Libc.getdents64), records, directory, static (ref records, length, ref directory) =>
            Libc.getdents64(SYS_getdents64, directory, ref records, (nint)length));
        Check(result, nameof(Libc.getdents64));
        return (int)result;
    }
}
