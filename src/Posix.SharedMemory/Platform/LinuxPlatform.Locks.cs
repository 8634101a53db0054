using Microsoft.Win32.SafeHandles;
using Posix.SharedMemory.Interop;
using static Posix.SharedMemory.Interop.Linux;
using static Posix.SharedMemory.Interop.Unix;

namespace Posix.SharedMemory;

// Open file description locks: the kernel drops them when the last descriptor of an open is closed, however that happens.
internal partial class LinuxPlatform
{
    internal override MembershipState QueryMembership(in OpenObject target)
    {
        // Asks what an exclusive lock would meet: the locks of this same open do not count.
        var request = LockOf(RecordLock.Membership, F_WRLCK);
        var error = ErrorOf(Fails(nameof(Libc.fcntl)) ? -1 : Libc.fcntl_flock(target.Handle, F_OFD_GETLK, ref request));
        if (error == Errno.EINVAL)
        {
            // A kernel without these locks, such as a sandbox's: nobody can hold a membership there.
            return MembershipState.None;
        }

        ThrowIfFailed(error, "fcntl(F_OFD_GETLK)", target.Name);

        // Only a lock on just this byte is a membership; somebody's lock on the whole file is not.
        return request.l_type == F_UNLCK || request.l_start != (long)RecordLock.Membership || request.l_len != 1 ? MembershipState.None
            : request.l_type == F_WRLCK ? MembershipState.Ending
            : MembershipState.Held;
    }

    internal override Errno TakeMembership(in OpenObject target, bool exclusive) => TryLock(target, RecordLock.Membership, exclusive);

    internal override void DropMembership(in OpenObject target) => Unlock(target, RecordLock.Membership);

    internal override bool? IsHeldByOthers(in OpenObject target)
    {
        if ((target.Name.IsNone || target.SharesOpen) && !IsInDirectory(target))
        {
            // The open that memfd_create makes is none that the kernel counts: it would always tell of others.
            return null;
        }

        // Whoever opens the object meanwhile has the kernel send a signal here: by default SIGIO, which ends a process. SIGURG is ignored.
        if (!ErrorOf(Fails(nameof(Libc.fcntl)) ? -1 : Libc.fcntl(target.Handle, F_SETSIG, SIGURG)).IsSuccess)
        {
            return null;
        }

        // The kernel grants this only where there is no other open of the object; a mapping keeps the open it was made through.
        var error = ErrorOf(Fails(nameof(Libc.fcntl)) ? -1 : Libc.fcntl(target.Handle, F_SETLEASE, F_WRLCK));
        if (!error.IsSuccess)
        {
            return error == Errno.EAGAIN ? true : null;
        }

        _ = Fails(nameof(Libc.fcntl)) ? -1 : Libc.fcntl(target.Handle, F_SETLEASE, F_UNLCK);
        return false;
    }

    private bool IsInDirectory(in OpenObject target) =>
        StatusBehind("/dev/shm", out var directory).IsSuccess && GetStatus(target).Identity.Device == directory.Identity.Device;

    /// <summary>
    /// Opens the object anew, for a lock that ends with this process and that nobody else can undo: on an open that another process has too it would do neither.
    /// <see langword="null"/> where that may not be: another user's object, or no /proc.
    /// </summary>
    private SafeFileHandle? ReopenToLock(in OpenObject target)
    {
        var error = Reopen(target, O_RDWR, out var handle);
        return error == Errno.EMFILE || error == Errno.ENFILE || error == Errno.ENOMEM
            ? throw new SharedMemoryException(error, "open(/proc/self/fd)", target.Name.Text)
            : handle;
    }

    private Errno TryLock(in OpenObject target, RecordLock which, bool exclusive)
    {
        var error = SetLock(target, which, exclusive ? F_WRLCK : F_RDLCK, F_OFD_SETLK);
        return error == Errno.EACCES ? Errno.EAGAIN : error;
    }

    /// <summary>Takes a lock alone, waiting for those in the way. Where the kernel has no such locks there is nobody in the way.</summary>
    private void Lock(in OpenObject target, RecordLock which)
    {
        var error = SetLock(target, which, F_WRLCK, F_OFD_SETLKW);
        ThrowIfFailed(error == Errno.EINVAL ? default : error, "fcntl(F_OFD_SETLKW)", target.Name);
    }

    /// <summary>Lets go. Should that fail, the act that the lock was for is done all the same, and the lock ends with the descriptor.</summary>
    private void Unlock(in OpenObject target, RecordLock which) => _ = SetLock(target, which, F_UNLCK, F_OFD_SETLK);

    private static LinuxFlock LockOf(RecordLock which, short type) => new() { l_type = type, l_start = (long)which, l_len = 1 };

    private Errno SetLock(in OpenObject target, RecordLock which, short type, int command)
    {
        nint result;
        do
        {
            var request = LockOf(which, type);
            result = Fails(nameof(Libc.fcntl)) ? -1 : Libc.fcntl_flock(target.Handle, command, ref request);
        }
        while (IsInterrupted(result));
        return ErrorOf(result);
    }
}
