namespace Posix.SharedMemory;

/// <summary>macOS and FreeBSD: shared memory has no locks, so no process is ever a member.</summary>
internal sealed class BsdMembership : SystemMembership
{
    internal override MembershipState Query(in OpenObject target, bool isMember) => MembershipState.None;

    internal override Errno Take(in OpenObject target, bool exclusive) => throw new PlatformNotSupportedException(
        "Lifetime.UnlinkOnLastDispose needs locks on the object, and shared memory has none on this system. "
        + "Use Lifetime.UnlinkOnDispose in the process that creates the object, or call Unlink.");

    internal override void Drop(in OpenObject target)
    {
        // No process can have taken a share.
    }

    internal override Errno Own(in OpenObject target) => Errno.EOPNOTSUPP;

    internal override void Disown(in OpenObject target)
    {
        // No process can have taken it.
    }

    internal override void Mark(in OpenObject target, bool isOwned)
    {
        // There is no mark; so no object counts as left behind.
    }

    internal override bool IsAbandoned(in OpenObject target) => false;

    internal override bool IsOrphaned(in OpenObject target) => false;

    internal override Errno Seize(in OpenObject target) => Errno.EEXIST;

    internal override bool? IsHeldByOthers(in OpenObject target) => null;
}
