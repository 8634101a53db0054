using Posix.SharedMemory.Channels;

namespace Posix.SharedMemory.Bridge;

/// <summary>A channel that a host exports, as <see cref="ChannelBridge.ListAsync"/> sees it. Any program may announce channels: escape the names before showing them.</summary>
public sealed record AnnouncedChannel
{
    /// <summary>Gets the channel's name.</summary>
    public required string Name { get; init; }

    /// <summary>Gets the host that announces it.</summary>
    public required string Host { get; init; }

    /// <summary>Gets what kind of channel it is.</summary>
    public ChannelKind Kind { get; init; }

    /// <summary>Gets how its messages travel.</summary>
    public BridgeDelivery Delivery { get; init; }

    /// <summary>Gets how many bytes its ring has; of a latest value, how many the longest has.</summary>
    public long Capacity { get; init; }

    /// <summary>Gets what its messages are, for people.</summary>
    public string ContentType { get; init; } = "";

    /// <summary>Gets how many messages it has had in this life.</summary>
    public long Messages { get; init; }

    /// <summary>Gets how many messages were published a second while this was watched.</summary>
    public double Rate { get; init; }

    /// <summary>Gets how many messages the exporting bridge knows to be lost.</summary>
    public long Lost { get; init; }

    /// <summary>Gets whether it was completed.</summary>
    public bool IsCompleted { get; init; }
}
