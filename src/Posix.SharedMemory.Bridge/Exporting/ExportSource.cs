using Posix.SharedMemory.Channels;

namespace Posix.SharedMemory.Bridge;

/// <summary>A channel of this host as the bridge reads it: its messages, and which sequence each has. For one thread at a time.</summary>
internal abstract class ExportSource : IDisposable
{
    /// <summary>How the bridge takes part in a channel.</summary>
    protected const string Label = "bridge";

    /// <summary>Gets the object that the channel is.</summary>
    internal abstract SharedMemoryObject Memory { get; }

    /// <summary>Gets the sequence of the next message.</summary>
    internal abstract long Next { get; }

    /// <summary>Gets how many bytes wait to be read.</summary>
    internal abstract long Available { get; }

    /// <summary>Gets whether a living process writes the channel.</summary>
    internal abstract bool HasWriter { get; }

    /// <summary>Opens a channel as its reader.</summary>
    /// <exception cref="SharedMemoryException"><see cref="Errno.EBUSY"/>: another process reads it.</exception>
    /// <exception cref="InvalidOperationException">The name refers to another channel now.</exception>
    internal static ExportSource Open(string name, SourceHeader header, BridgeDelivery delivery) => (ChannelKind)header.Kind switch
    {
        ChannelKind.Broadcast => BroadcastSource.Open(name, header, delivery == BridgeDelivery.Durable),
        ChannelKind.Latest => ValueSource.Open(name, header),
        ChannelKind.FanIn => FanInSource.Open(name, header),
        ChannelKind.Frames => FramesSource.Open(name, header, delivery == BridgeDelivery.Durable),
        _ => RingSource.Open(name, header),
    };

    /// <summary>Gets whether there is one message at most, the newest.</summary>
    internal virtual bool IsValue => false;

    /// <summary>Gets whether a message is released only when it was sent and not when it was copied: another bridge copies it again then.</summary>
    internal virtual bool Waits => true;

    /// <summary>Gets whether small messages are sent together.</summary>
    internal virtual bool MayBatch => true;

    /// <summary>Takes which messages were overwritten before this bridge had read them; a first of 0: none.</summary>
    internal virtual (long First, long Last) TakeMissed() => default;

    /// <summary>The newest message is to be read once more.</summary>
    internal virtual void Again()
    {
    }

    /// <summary>How many of these bytes may stay, so that the writer need not wait while the network takes nothing.</summary>
    internal virtual long MayStay(long used) => used;

    /// <summary>Waits for a message. False: the channel was completed, and everything was read.</summary>
    /// <exception cref="ChannelException">The channel was completed with an error, or is corrupt.</exception>
    internal abstract ValueTask<bool> WaitToReadAsync(CancellationToken cancellationToken);

    /// <summary>Waits for a message for a while.</summary>
    internal abstract bool WaitToRead(TimeSpan timeout);

    /// <summary>Copies the next message, if it fits.</summary>
    /// <param name="destination">Where it goes.</param>
    /// <param name="length">Its length; 0 with false: there is none.</param>
    /// <param name="mark">What it is.</param>
    internal abstract bool TryRead(Span<byte> destination, out int length, out MessageMark mark);

    /// <summary>Releases the next message, which was copied otherwise or is dropped.</summary>
    /// <returns>False: there is none.</returns>
    internal abstract bool TryDrop();

    public abstract void Dispose();

    /// <summary>Requires that a channel is the one whose header was read.</summary>
    /// <exception cref="InvalidOperationException">It is another.</exception>
    protected static void RequireSame(SharedMemoryObject memory, SourceHeader header)
    {
        if (SourceHeader.TryRead(memory) is not { } now || now.Epoch != header.Epoch)
        {
            throw new InvalidOperationException("It was replaced while it was opened.");
        }
    }
}
