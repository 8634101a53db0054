namespace Posix.SharedMemory.Bridge;

/// <summary>What a bridge has done for a channel so far.</summary>
public sealed record BridgedChannel
{
    /// <summary>Gets the channel's name, without <see cref="BridgeOptions.NamePrefix"/>.</summary>
    public required string Name { get; init; }

    /// <summary>Gets which way it is carried.</summary>
    public required BridgeDirection Direction { get; init; }

    /// <summary>Gets the host that it comes from.</summary>
    public required string Host { get; init; }

    /// <summary>Gets how many messages were sent, or came into the ring.</summary>
    public long Messages { get; init; }

    /// <summary>Gets how many bytes they had.</summary>
    public long Bytes { get; init; }

    /// <summary>Gets how many messages are known to be lost, at all places together.</summary>
    public long Lost => LostInLocalRing + LostOnWire + LostInRemoteRing;

    /// <summary>Gets how many of them were lost at <see cref="LossPlace.LocalRing"/>.</summary>
    public long LostInLocalRing { get; init; }

    /// <summary>Gets how many of them were lost at <see cref="LossPlace.Wire"/>.</summary>
    public long LostOnWire { get; init; }

    /// <summary>Gets how many of them were lost at <see cref="LossPlace.RemoteRing"/>.</summary>
    public long LostInRemoteRing { get; init; }

    /// <summary>Gets how many messages from the network were not accepted.</summary>
    public long Refused { get; init; }

    /// <summary>Gets whether the channel was completed.</summary>
    public bool IsCompleted { get; init; }
}
