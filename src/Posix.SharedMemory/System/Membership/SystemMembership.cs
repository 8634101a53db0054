using Microsoft.Win32.SafeHandles;
using Posix.SharedMemory.Interop;

namespace Posix.SharedMemory;

/// <summary>Membership: which processes share in a name, so that the last one removes it; docs/spec/objects/membership.md.</summary>
internal class SystemMembership
{
    /// <summary>Gets this process's number; unlike the runtime's it is right in a forked child too.</summary>
    internal virtual int ProcessId => OperatingSystem.IsWindows() ? Environment.ProcessId : Libc.getpid();

    /// <summary>Returns what other processes do with an object's membership; <see cref="MembershipState.None"/> where the system has none.</summary>
    /// <param name="target">The object.</param>
    /// <param name="isMember">Whether this same open has a share, which does not count.</param>
    internal virtual MembershipState Query(in OpenObject target, bool isMember) => throw Platform.NotSupported();

    /// <summary>Takes a share, or all of it alone. <see cref="Errno.EAGAIN"/>: another process's share is in the way.</summary>
    internal virtual Errno Take(in OpenObject target, bool exclusive) => throw Platform.NotSupported();

    /// <summary>Gives a share up.</summary>
    internal virtual void Drop(in OpenObject target) => throw Platform.NotSupported();

    /// <summary>Takes the owner's share: the proof that the process lives which created the object and removes its name.</summary>
    internal virtual Errno Own(in OpenObject target) => throw Platform.NotSupported();

    /// <summary>Gives the owner's share up.</summary>
    internal virtual void Disown(in OpenObject target) => throw Platform.NotSupported();

    /// <summary>Marks an object as one whose name a process removes, or as one whose name stays. Where the system has no such mark nothing happens.</summary>
    internal virtual void Mark(in OpenObject target, bool isOwned) => throw Platform.NotSupported();

    /// <summary>Returns whether an object was left behind: it is marked, and has neither an owner nor a member.</summary>
    internal virtual bool IsAbandoned(in OpenObject target) => throw Platform.NotSupported();

    /// <summary>Returns whether an object is marked, and its owner does not live. It may have members, and a process may be replacing it.</summary>
    internal virtual bool IsOrphaned(in OpenObject target) => throw Platform.NotSupported();

    /// <summary>Takes an object that was left behind for this process alone, until the descriptor is closed.</summary>
    /// <returns><see cref="Errno.EEXIST"/>: it was not left behind. <see cref="Errno.EAGAIN"/>: another process has exclusive access now.</returns>
    internal virtual Errno Seize(in OpenObject target) => throw Platform.NotSupported();

    /// <summary>Closes what the role keeps open for a descriptor that has been closed.</summary>
    internal virtual void Forget(SafeFileHandle handle)
    {
        // Most systems keep nothing.
    }

    /// <summary>Closes a descriptor that no caller knows of. Record locks that the caller has on the same object, through another descriptor, are unaffected.</summary>
    internal virtual void CloseUnseen(SafeFileHandle? handle) => handle?.Dispose();

    /// <summary>Returns whether anything but this open has the object open or mapped, according to the kernel; <see langword="null"/> where it does not say.</summary>
    /// <remarks>After <see langword="false"/> whoever opens the object waits until the descriptor is closed, which is to happen at once.</remarks>
    internal virtual bool? IsHeldByOthers(in OpenObject target) => throw Platform.NotSupported();
}
