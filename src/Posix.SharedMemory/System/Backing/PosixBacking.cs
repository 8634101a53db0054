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

        // The kernel drops set-group without a word where the process is not in the object's group and is not root.
        if (permissions.HasFlag(UnixFileMode.SetGroup) && GetStatus(target) is var status && !status.Permissions.HasFlag(UnixFileMode.SetGroup))
        {
            throw new SharedMemoryException(
                Errno.EPERM, nameof(Libc.fchmod), target.Name.Text,
                $"the kernel dropped set-group, since this process is not in the object's group, which is {status.GroupId}: leave set-group out, or choose the group with GroupId or SetOwner");
        }
    }

    internal override void SetOwner(in OpenObject target, uint? userId, uint? groupId)
    {
        const uint AsItIs = uint.MaxValue;
        var error = ErrorOf(calls.Repeat(
            nameof(Libc.fchown), (target.Handle, userId ?? AsItIs, groupId ?? AsItIs), static (ref a) => Libc.fchown(a.Handle, a.Item2, a.Item3)));
        if (!error.IsSuccess)
        {
            throw FailureOf(
                error, nameof(Libc.fchown), target.Name.Text,
                error == Errno.EPERM ? "only root may give an object to another user, or to a group that the process is not in" : null);
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
