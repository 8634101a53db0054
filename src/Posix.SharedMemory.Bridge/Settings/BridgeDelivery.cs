namespace Posix.SharedMemory.Bridge;

/// <summary>How the messages of a channel travel.</summary>
public enum BridgeDelivery
{
    /// <summary>All of them, at most once; every gap is reported.</summary>
    Stream,

    /// <summary>Only the newest: what it replaces is not a loss.</summary>
    Latest,

    /// <summary>All of them, none lost and none twice, kept by the engine until they have arrived. No engine of this version can: a bridge with it is <see cref="NotSupportedException"/>.</summary>
    Durable,
}
