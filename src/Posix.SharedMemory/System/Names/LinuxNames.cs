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
/// no name goes with its last descriptor. Only taking over a name that is in use needs a temporary one: link cannot replace. On file systems
/// without such files a new object has a temporary name from the start.
/// </remarks>
internal class LinuxNames(SystemCalls calls, LinuxFiles files, LinuxMembership locks) : SystemNames
{
    private const UnixFileMode OwnerOnly = UnixFileMode.UserRead | UnixFileMode.UserWrite;

    /// <summary>Room for the directory, the longest name and the NUL.</summary>
    private const int PathBytes = 9 + ObjectName.MaxBytes + 1;

    private readonly LinuxRename _paths = new(calls, files);

    /// <summary>Whether a file without a name is known to be able to get one.</summary>
    private volatile bool _canLink;

    internal override Errno Open(in ObjectName name, FileMode mode, FileAccess access, UnixFileMode permissions, out SafeFileHandle? handle)
    {
        var path = PathOf(name, stackalloc byte[PathBytes]);
        var flags = (access == FileAccess.Read ? O_RDONLY : O_RDWR) | CreationFlags(mode) | O_NOFOLLOW | O_CLOEXEC;
        var error = mode == FileMode.CreateNew
            ? files.Open(path, flags, permissions, out handle)   // What O_EXCL makes is a regular file.
            : files.OpenRegularFile(path, flags, permissions, out handle);
        return error == Errno.EISDIR ? Errno.EINVAL : error;
    }

    internal override void ClearOpenFlags(in OpenObject target) =>
        // O_NONBLOCK goes, with which it was opened. Should that fail, the flag left over has no effect on a regular file.
        _ = calls.Fails("fcntl(F_SETFL)") ? -1 : Libc.fcntl(target.Handle, F_SETFL, 0);

    internal override Errno OpenUnseen(in ObjectName name, FileAccess access, out SafeFileHandle? handle)
    {
        var path = PathOf(name, stackalloc byte[PathBytes]);
        var error = files.OpenUnseenWhateverItIs(path, (access == FileAccess.Read ? O_RDONLY : O_RDWR) | O_NOFOLLOW, out handle);
        return error == Errno.EISDIR ? Errno.EINVAL : error;
    }

    internal override Errno CreateUnpublished(out SafeFileHandle? handle, out ObjectName temporary)
    {
        temporary = default;
        var error = OpenNameless(LinuxFiles.Directory, out handle);
        if (LacksNamelessFiles(error))
        {
            error = CreateTemporary(LinuxFiles.Directory, out handle, out var name);
            temporary = handle is null ? default : ObjectName.FromSystem(Encoding.ASCII.GetBytes(name));
        }

        return error;
    }

    internal override Errno Publish(in OpenObject target, in ObjectName temporary, in ObjectName name, RenameMode mode)
    {
        var path = PathOf(name, stackalloc byte[PathBytes]);
        if (temporary.IsNone)
        {
            return LinkOrTakeOver(target, LinuxFiles.Directory, path, mode);
        }

        var error = Rename(temporary, name, mode);
        if (error.IsSuccess)
        {
            locks.Release(target, RecordLock.Publishing);
        }

        return error;
    }

    internal override Errno Unlink(in ObjectName name)
    {
        var path = PathOf(name, stackalloc byte[PathBytes]);
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
        var path = PathOf(name, stackalloc byte[PathBytes]);
        var error = files.Stat(path, out var statx);
        if (error == Errno.ENOENT)
        {
            return null;
        }

        Check(error, nameof(Libc.statx), name);
        return LinuxFiles.IsRegularFile(statx) ? LinuxFiles.StatusOf(statx) : null;
    }

    internal override NameWatch? Watch(in ObjectName name) => LinuxNameWatch.Start(calls, name);

    internal override IEnumerable<ObjectName> List() => new LinuxDirectory(calls, files).List(LinuxFiles.Directory.ToArray());

    internal override Errno SetPermissions(in ObjectName name, ObjectIdentity identity, UnixFileMode permissions)
    {
        var path = PathOf(name, stackalloc byte[PathBytes]);
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

    // Attaching may refuse it, a takeover closes it again: so what had to be kept open then is used again.
    internal override Errno OpenFile(in FilePath path, out SafeFileHandle? handle) => files.OpenUnseen(path.Bytes, O_RDWR, out handle);

    internal override Errno CreateFile(in FilePath path, out SafeFileHandle? handle, out FilePath? temporary)
    {
        temporary = null;
        var directory = path.Directory;
        var error = OpenNameless(directory.Bytes, out handle);
        if (LacksNamelessFiles(error))
        {
            error = CreateTemporary(directory.Bytes, out handle, out var name);
            temporary = handle is null ? null : path.Sibling(name);
        }

        return error;
    }

    internal override Errno PlaceFile(in OpenObject target, FilePath? temporary, in FilePath path, RenameMode mode)
    {
        if (temporary is not { } current)
        {
            return LinkOrTakeOver(target, path.Directory.Bytes, path.Bytes, mode);
        }

        var error = mode == RenameMode.NoReplace ? _paths.Rename(current.Bytes, path.Bytes, RENAME_NOREPLACE) : files.Rename(current.Bytes, path.Bytes);
        if (error.IsSuccess)
        {
            locks.Release(target, RecordLock.Publishing);
        }

        return error == Errno.EISDIR ? Errno.EINVAL : AsAccessError(error);
    }

    internal override IReadOnlyList<string> RemoveAbandoned(in FilePath directory)
    {
        var removed = new List<string>();
        var bytes = directory.Bytes.ToArray();
        foreach (var name in new LinuxDirectory(calls, files).List(bytes))
        {
            if (PublishingName.IsOne(name.Text!) && TryRemoveAbandoned(PathIn(bytes, name.ToArray()), name))
            {
                removed.Add(name.Text!);
            }
        }

        // Afterwards, since a link is known by its temporary name, which is gone.
        foreach (var name in new LinuxDirectory(calls, files).ListLinks(bytes))
        {
            if (new LinuxReservation(calls, files).TryRemoveAbandoned(PathIn(bytes, name.ToArray())))
            {
                removed.Add(name.Text!);
            }
        }

        return removed;
    }

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

    private static ReadOnlySpan<byte> PathOf(in ObjectName name, Span<byte> path)
    {
        "/dev/shm/"u8.CopyTo(path);
        name.WriteTo(path["/dev/shm/"u8.Length..]);
        return path;
    }

    /// <summary>POSIX and glibc say EACCES where the kernel, for a sticky directory, says EPERM.</summary>
    private static Errno AsAccessError(Errno error) => error == Errno.EPERM ? Errno.EACCES : error;

    private Errno RenameReplacing(in ObjectName from, in ObjectName to)
    {
        var oldPath = PathOf(from, stackalloc byte[PathBytes]);
        var newPath = PathOf(to, stackalloc byte[PathBytes]);
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
        var oldPath = PathOf(from, stackalloc byte[PathBytes]);
        var newPath = PathOf(to, stackalloc byte[PathBytes]);
        return _paths.Rename(oldPath, newPath, flags);
    }

    private Errno LinkOrTakeOver(in OpenObject target, ReadOnlySpan<byte> directory, ReadOnlySpan<byte> path, RenameMode mode)
    {
        var error = files.Link(target, path);
        return error == Errno.EEXIST && mode == RenameMode.Replace ? TakeOver(target, directory, path) : AsAccessError(error);
    }

    private Errno TakeOver(in OpenObject target, ReadOnlySpan<byte> directory, ReadOnlySpan<byte> path)
    {
        // The lock proves to RemoveAbandoned that the maker lives. Where another program's lock is in the way it is no less proof; where there is none, the name is one that it does not know.
        var locking = locks.Try(target, RecordLock.Publishing, exclusive: true);
        var isLocked = locking.IsSuccess;
        try
        {
            var temporary = PathIn(directory, Encoding.ASCII.GetBytes(isLocked || locking == Errno.EAGAIN ? PublishingName.Make() : PublishingName.MakeUnprovable()));
            var error = files.Link(target, temporary);
            if (!error.IsSuccess)
            {
                return AsAccessError(error);
            }

            // The temporary name does not belong to the other: nothing is left to remove.
            error = files.Rename(temporary, path);
            if (!error.IsSuccess)
            {
                _ = files.Unlink(temporary);
            }

            return error == Errno.EISDIR ? Errno.EINVAL : AsAccessError(error);
        }
        finally
        {
            if (isLocked)
            {
                locks.Release(target, RecordLock.Publishing);
            }
        }
    }

    /// <summary>Opens a file without a name that can get one.</summary>
    private Errno OpenNameless(ReadOnlySpan<byte> directory, out SafeFileHandle? handle)
    {
        var error = files.Open(directory, O_TMPFILE | O_RDWR | O_CLOEXEC, OwnerOnly, out handle);
        if (handle is null || _canLink)
        {
            return error;
        }

        // That is found out once.
        _canLink = files.CanBeLinked(new(handle, default));
        if (!_canLink)
        {
            handle.Dispose();
            handle = null;
            return Errno.EOPNOTSUPP;
        }

        return default;
    }

    /// <summary>Returns whether an error says that a file system, the kernel or a filter has no files without a name (<c>O_TMPFILE</c>).</summary>
    private static bool LacksNamelessFiles(Errno error) => error is Errno.EOPNOTSUPP or Errno.EISDIR or Errno.EINVAL or Errno.ENOSYS or Errno.EPERM;

    /// <summary>Creates a file under a temporary name, with the lock that proves that its maker lives; where that cannot be had, under a name that is not taken for abandoned.</summary>
    private Errno CreateTemporary(ReadOnlySpan<byte> directory, out SafeFileHandle? handle, out string name)
    {
        for (var isProvable = true; ;)
        {
            name = isProvable ? PublishingName.Make() : PublishingName.MakeUnprovable();
            var path = PathIn(directory, Encoding.ASCII.GetBytes(name));
            var error = files.Open(path, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, OwnerOnly, out handle);
            if (handle is null && error == Errno.EEXIST)
            {
                continue;
            }

            if (handle is null || !isProvable)
            {
                return error;
            }

            // SYNC publish.temporary: pairs with TryRemoveAbandoned. A process that got the lock before this one unlinks the name before it lets go of it.
            var locking = locks.Try(new(handle, default), RecordLock.Publishing, exclusive: true);
            if (locking.IsSuccess && !IsUnlinked(handle))
            {
                return default;
            }

            if (!locking.IsSuccess && locking != Errno.EAGAIN)
            {
                isProvable = false;
                _ = files.Unlink(path);
            }

            handle.Dispose();
        }
    }

    private bool IsUnlinked(SafeFileHandle handle) => files.Stat(handle, STATX_BASIC_STATS, out var statx).IsSuccess && statx.stx_nlink == 0;

    /// <summary>Removes a temporary name if its maker is gone: the kernel has given back its lock.</summary>
    private bool TryRemoveAbandoned(ReadOnlySpan<byte> path, in ObjectName name)
    {
        if (!files.OpenUnseen(path, O_RDWR | O_NOFOLLOW, out var handle).IsSuccess)
        {
            return false;
        }

        try
        {
            // SYNC publish.temporary: pairs with CreateTemporary.
            return locks.Try(new(handle!, name), RecordLock.Publishing, exclusive: true).IsSuccess && files.Unlink(path).IsSuccess;
        }
        finally
        {
            locks.CloseUnseen(handle);
        }
    }

    private static byte[] PathIn(ReadOnlySpan<byte> directory, ReadOnlySpan<byte> name) =>
        [.. directory[..directory.IndexOf((byte)0)], (byte)'/', .. name, 0];
}
