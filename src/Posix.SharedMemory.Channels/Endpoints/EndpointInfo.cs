namespace Posix.SharedMemory.Channels;

/// <summary>What can be seen of one endpoint of a channel: true when it was taken.</summary>
public sealed record EndpointInfo
{
    /// <summary>Gets its number in the channel. In a message channel, 0 is the writer and 1 the reader; in a broadcast and a frame channel, 0 is the writer and the readers follow; in a latest value, 0 is the writer; in a fan-in, the reader follows the writers.</summary>
    public int Index { get; internal init; }

    /// <summary>Gets what it does.</summary>
    public EndpointRole Role { get; internal init; }

    /// <summary>Gets what has become of it.</summary>
    public PeerState State { get; internal init; }

    /// <summary>Gets the label that it was opened with. Any process that may write to the channel can change it: escape it before showing it.</summary>
    public string Label { get; internal init; } = "";

    /// <summary>Gets the number of its process, as that process sees itself; <see langword="null"/>: unknown. For people, since another PID namespace gives it another number.</summary>
    public int? ProcessId { get; internal init; }

    /// <summary>Gets when it was last opened; <see langword="null"/>: never, or unknown.</summary>
    public DateTimeOffset? OpenedAt { get; internal init; }

    /// <summary>Gets how many messages it missed: a reader of a broadcast that may lose some, or a reader of frames, in this object. All others lose none: 0.</summary>
    public long Missed { get; internal init; }
}
