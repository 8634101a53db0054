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
        FileSizeLimit.Guard();
        var error = ErrorOf(calls.Repeat(nameof(Libc.ftruncate), (target.Handle, length), static (ref a) => Libc.ftruncate(a.Handle, a.length)));
        if (error == Errno.EFBIG)
        {
            throw FileSizeLimit.Exceeded(nameof(Libc.ftruncate), target, length);
        }

        if (!error.IsSuccess)
        {
            throw seals.Refused(error, nameof(Libc.ftruncate), target, length < GetLength(target) ? MemorySeals.Shrink : MemorySeals.Grow);
        }
    }
}
