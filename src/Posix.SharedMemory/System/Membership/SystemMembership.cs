using Microsoft.Win32.SafeHandles;
using Posix.SharedMemory.Interop;

namespace Posix.SharedMemory;

/// <summary>Membership: which processes share in a name, so that the last one removes it; docs/spec/objects/membership.md.</summary>
internal class SystemMembership
{
    /// <summary>Gets this process's number; unlike the runtime's it is right in a forked child too.</summary>
    internal virtual int ProcessId => OperatingSystem.IsWindows() ? Environment.ProcessId : Libc.getpid();

    /// <summary>Returns what other processes do with an object's membership; <see cref="MembershipState.None"/> where the system has none.</summary>
    internal virtual MembershipState Query(in OpenObject target) => throw Platform.NotSupported();

    /// <summary>Takes a share, or all of it alone. <see cref="Errno.EAGAIN"/>: another process's share is in the way.</summary>
    internal virtual Errno Take(in OpenObject target, bool exclusive) => throw Platform.NotSupported();

    /// <summary>Gives a share up.</summary>
    internal virtual void Drop(in OpenObject target) => throw Platform.NotSupported();

    /// <summary>Closes what the role keeps open for a descriptor that is about to be closed.</summary>
    internal virtual void Forget(SafeFileHandle handle)
    {
        // Most systems keep nothing.
    }

    /// <summary>Returns whether another process has the object open or mapped, according to the kernel; <see langword="null"/> where it does not say.</summary>
    internal virtual bool? IsHeldByOthers(in OpenObject target) => throw Platform.NotSupported();
}
