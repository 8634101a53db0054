namespace Posix.SharedMemory.Bridge;

/// <summary>Which way a channel is carried.</summary>
public enum BridgeDirection
{
    /// <summary>To other hosts.</summary>
    Export,

    /// <summary>From another host.</summary>
    Import,
}
