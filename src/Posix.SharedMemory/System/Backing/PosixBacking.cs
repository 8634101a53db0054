using Posix.SharedMemory.Interop;
using static Posix.SharedMemory.SystemCalls;

namespace Posix.SharedMemory;

/// <summary>The verbs for which Linux, macOS and FreeBSD have the same call.</summary>
internal abstract class PosixBacking(SystemCalls calls, SystemSeals seals) : SystemBacking
{
    internal override void SetPermissions(in OpenObject target, UnixFileMode permissions)
    {
        var result = calls.Repeat(nameof(Libc.fchmod), (target.Handle, permissions), static (ref a) => Libc.fchmod(a.Handle, (uint)a.permissions));
        var error = ErrorOf(result);
        if (!error.IsSuccess)
        {
            const UnixFileMode Execute = UnixFileMode.UserExecute | UnixFileMode.GroupExecute | UnixFileMode.OtherExecute;
            // Every other change is the owner's to make, whatever is sealed.
            var isSuspect = error == Errno.EPERM && ((permissions ^ GetStatus(target).Permissions) & Execute) != 0;
            throw seals.Refused(error, nameof(Libc.fchmod), target, isSuspect ? MemorySeals.Exec : MemorySeals.None);
        }
    }

    internal override void SetLength(in OpenObject target, long length)
    {
        CheckFileSizeLimit(nameof(Libc.ftruncate), target, length);
        var error = ErrorOf(calls.Repeat(nameof(Libc.ftruncate), (target.Handle, length), static (ref a) => Libc.ftruncate(a.Handle, a.length)));
        if (!error.IsSuccess)
        {
            throw seals.Refused(error, nameof(Libc.ftruncate), target, length < GetLength(target) ? MemorySeals.Shrink : MemorySeals.Grow);
        }
    }

    /// <summary>Refuses a growth that the kernel would answer with SIGXFSZ, which ends the process.</summary>
    private protected void CheckFileSizeLimit(string operation, in OpenObject target, long length)
    {
        var limit = new FileSizeLimit(calls).Get(target);
        if ((ulong)length > limit && length > GetLength(target))
        {
            throw FileSizeLimit.Exceeded(operation, target, length, limit);
        }
    }
}
