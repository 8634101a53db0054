namespace Posix.SharedMemory;

/// <summary>macOS and FreeBSD: shared memory has no locks, so no process is ever a member.</summary>
internal sealed class BsdMembership : SystemMembership
{
    internal override LeaseState Query(in OpenObject target) => LeaseState.None;

    internal override void Drop(in OpenObject target)
    {
        // No process can have taken a share.
    }

    internal override bool? IsHeldByOthers(in OpenObject target) => null;
}
