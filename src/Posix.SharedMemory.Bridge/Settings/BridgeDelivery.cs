namespace Posix.SharedMemory.Bridge;

/// <summary>How the messages of a channel travel.</summary>
public enum BridgeDelivery
{
    /// <summary>All of them, at most once; every gap is reported.</summary>
    Stream,

    /// <summary>Only the newest: what it replaces is not a loss.</summary>
    Latest,

    /// <summary>
    /// All of them, none lost and none twice: the engine keeps them until they are in the rings of all hosts that have imported the channel. The local writer waits while the engine takes nothing and
    /// the ring is full, and until a first host imports the channel.
    /// </summary>
    Durable,
}
