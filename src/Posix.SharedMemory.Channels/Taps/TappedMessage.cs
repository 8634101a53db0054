namespace Posix.SharedMemory.Channels;

/// <summary>A message that a <see cref="MessageTap"/> copied, while the channel's own reader goes on undisturbed.</summary>
public readonly ref struct TappedMessage
{
    internal TappedMessage(ReadOnlySpan<byte> span, ushort type, bool isTaken, long missed)
    {
        Span = span;
        Type = type;
        IsTaken = isTaken;
        Missed = missed;
    }

    /// <summary>Gets the message: a copy, valid until the tap's next call.</summary>
    public ReadOnlySpan<byte> Span { get; }

    /// <summary>Gets the type that it was written with.</summary>
    public ushort Type { get; }

    /// <summary>Gets whether the reader had taken it before it was copied.</summary>
    /// <remarks>
    /// It was copied from the half of the ring that was written last. A writer reaches that half again only with a batch, or with a message longer than a quarter of the ring,
    /// that it has not committed yet: only then the copy can be mixed with it.
    /// </remarks>
    public bool IsTaken { get; }

    /// <summary>Gets what the frame is, where the channel carries frames: <see cref="Span"/> is empty then. <see langword="null"/>: it is a message.</summary>
    public TappedFrame? Frame { get; internal init; }

    /// <summary>Gets how many messages the tap missed just before this one, according to the reader's counter.</summary>
    public long Missed { get; }
}
