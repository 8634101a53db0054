namespace Posix.SharedMemory;

/// <summary>What other processes do with an object's membership; see docs/spec/objects/membership.md.</summary>
internal enum MembershipState
{
    /// <summary>Nobody holds it.</summary>
    None,

    /// <summary>Somebody holds it: the object's last user removes the name.</summary>
    Held,

    /// <summary>Its last holder has it to itself and is removing the name.</summary>
    Ending,

    /// <summary>There are no locks here, or a filter refuses to tell: what others hold is not known.</summary>
    Unknown,

    /// <summary>Another program's lock covers the byte, so that it is not known what others hold.</summary>
    Hidden,
}
