namespace Posix.SharedMemory;

/// <summary>What other processes do with an object's lease; see docs/spec/leases.md.</summary>
internal enum LeaseState
{
    /// <summary>Nobody holds it.</summary>
    None,

    /// <summary>Somebody holds it: the object's last user removes the name.</summary>
    Held,

    /// <summary>Its last holder has it to itself and is removing the name.</summary>
    Ending,
}
