using Posix.SharedMemory.Interop;
using static Posix.SharedMemory.Interop.Linux;
using static Posix.SharedMemory.SystemCalls;

namespace Posix.SharedMemory;

/// <summary>Linux: open file description locks, which the kernel drops when the last descriptor of an open is closed, however that happens.</summary>
internal class LinuxMembership(SystemCalls calls, LinuxFiles files) : SystemMembership
{
    internal override MembershipState Query(in OpenObject target) => Query(target, RecordLock.Membership);


    internal override Errno Take(in OpenObject target, bool exclusive) => Try(target, RecordLock.Membership, exclusive);

    internal override void Drop(in OpenObject target) => Release(target, RecordLock.Membership);

    internal override Errno Own(in OpenObject target) => Try(target, RecordLock.Owner, exclusive: false);

    internal override void Disown(in OpenObject target) => Release(target, RecordLock.Owner);

    internal override void Mark(in OpenObject target, bool isOwned)
    {
        // The hint of how long written data lives has no effect on memory, and the kernel keeps it for as long as the object exists. Where it cannot be
        // set (gVisor, some file systems) the object is never taken for one that was left behind.
        ulong hint = (ulong)(isOwned ? RWH_WRITE_LIFE_SHORT : RWH_WRITE_LIFE_NOT_SET);
        _ = calls.Fails("fcntl(F_SET_RW_HINT)") ? -1 : Libc.fcntl_hint(target.Handle, F_SET_RW_HINT, ref hint);
    }

    internal override bool IsAbandoned(in OpenObject target) =>
        IsMarked(target) && Query(target, RecordLock.Membership) == MembershipState.None && Query(target, RecordLock.Owner) == MembershipState.None;

    internal override Errno Seize(in OpenObject target)
    {
        if (!IsMarked(target))
        {
            return Errno.EEXIST;
        }

        var error = Seize(target, RecordLock.Owner);
        return error.IsSuccess ? Seize(target, RecordLock.Membership) : error;
    }

    internal override bool? IsHeldByOthers(in OpenObject target)
    {
        if ((target.Name.IsNone || target.SharesOpen) && !IsInDirectory(target))
        {
            // The open that memfd_create makes is not one that the kernel counts: it would always report others.
            return null;
        }

        // If another process opens the object meanwhile, the kernel sends a signal here: by default SIGIO, which ends a process. SIGURG is ignored.
        if (!ErrorOf(calls.Fails("fcntl(F_SETSIG)") ? -1 : Libc.fcntl(target.Handle, F_SETSIG, SIGURG)).IsSuccess)
        {
            return null;
        }

        // The kernel grants this only where there is no other open of the object; a mapping keeps the open it was made through.
        var error = ErrorOf(calls.Fails("fcntl(F_SETLEASE)") ? -1 : Libc.fcntl(target.Handle, F_SETLEASE, F_WRLCK));
        if (!error.IsSuccess)
        {
            return error == Errno.EAGAIN ? true : null;
        }

        _ = calls.Fails("fcntl(F_SETLEASE)") ? -1 : Libc.fcntl(target.Handle, F_SETLEASE, F_UNLCK);
        // An overlay keeps the file below it mapped, not its own, so that its count does not contain mappings. Where that is not known to be otherwise, it proves nothing.
        return files.TryStatFileSystem(target, out var fileSystem)
            && fileSystem.f_type is TMPFS_MAGIC or RAMFS_MAGIC or HUGETLBFS_MAGIC or EXT4_SUPER_MAGIC or XFS_SUPER_MAGIC or BTRFS_SUPER_MAGIC
                ? false
                : null;
    }

    /// <summary>Takes a lock if no other open is in the way. <see cref="Errno.EAGAIN"/>: one is.</summary>
    internal Errno Try(in OpenObject target, RecordLock which, bool exclusive)
    {
        var error = SetLock(target, which, exclusive ? F_WRLCK : F_RDLCK, F_OFD_SETLK, "fcntl(F_OFD_SETLK)");
        return error == Errno.EACCES ? Errno.EAGAIN : error;
    }

    /// <summary>Takes a lock alone and waits for those in the way. Where the kernel has no such locks nothing is in the way.</summary>
    internal void Wait(in OpenObject target, RecordLock which)
    {
        var error = SetLock(target, which, F_WRLCK, F_OFD_SETLKW, "fcntl(F_OFD_SETLKW)");
        Check(error == Errno.EINVAL ? default : error, "fcntl(F_OFD_SETLKW)", target.Name);
    }

    /// <summary>Gives a lock back. Should that fail, the act that the lock was for is done all the same, and the lock ends with the descriptor.</summary>
    internal void Release(in OpenObject target, RecordLock which) => _ = SetLock(target, which, F_UNLCK, F_OFD_SETLK, "fcntl(F_OFD_SETLK, F_UNLCK)");

    private MembershipState Query(in OpenObject target, RecordLock which)
    {
        // Reports what an exclusive lock would meet: the locks of this same open do not count.
        var request = LockOf(which, F_WRLCK);
        var error = ErrorOf(calls.Fails("fcntl(F_OFD_GETLK)") ? -1 : Libc.fcntl_flock(target.Handle, F_OFD_GETLK, ref request));
        if (error == Errno.EINVAL)
        {
            // A kernel without these locks, such as a sandbox's: no process can be a member there.
            return MembershipState.None;
        }

        Check(error, "fcntl(F_OFD_GETLK)", target.Name);

        // Only a lock on just this byte is a share; a lock on the whole file, taken by somebody for other reasons, is not.
        return request.l_type == F_UNLCK || request.l_start != (long)which || request.l_len != 1 ? MembershipState.None
            : request.l_type == F_WRLCK ? MembershipState.Ending
            : MembershipState.Held;
    }

    private Errno Seize(in OpenObject target, RecordLock which)
    {
        var error = Try(target, which, exclusive: true);
        return error == Errno.EAGAIN && Query(target, which) == MembershipState.Held ? Errno.EEXIST : error;
    }

    private bool IsMarked(in OpenObject target)
    {
        ulong hint = 0;
        return (calls.Fails("fcntl(F_GET_RW_HINT)") ? -1 : Libc.fcntl_hint(target.Handle, F_GET_RW_HINT, ref hint)) != -1 && hint == (ulong)RWH_WRITE_LIFE_SHORT;
    }

    private bool IsInDirectory(in OpenObject target) =>
        files.StatBehind("/dev/shm", out var directory).IsSuccess
        && files.Stat(target.Handle, STATX_BASIC_STATS, out var statx).IsSuccess
        && LinuxFiles.StatusOf(statx).Identity.Device == directory.Identity.Device;

    private static LinuxFlock LockOf(RecordLock which, short type) => new() { l_type = type, l_start = (long)which, l_len = 1 };

    private Errno SetLock(in OpenObject target, RecordLock which, short type, int command, string call) =>
        ErrorOf(calls.Repeat(call, (target.Handle, which, type, command), static (ref a) =>
        {
            var request = LockOf(a.which, a.type);
            return Libc.fcntl_flock(a.Handle, a.command, ref request);
        }));
}
