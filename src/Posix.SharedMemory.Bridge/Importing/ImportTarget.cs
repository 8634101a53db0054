using System.Buffers;
using Posix.SharedMemory.Channels;

namespace Posix.SharedMemory.Bridge;

/// <summary>A channel of this host that an import writes, of whichever kind.</summary>
internal abstract class ImportTarget : IDisposable
{
    /// <summary>Where the word is in most kinds that is another after each message: how many there were.</summary>
    protected const int MessagesAt = 256;

    /// <summary>How the bridge takes part in a channel.</summary>
    protected static EndpointOptions Writing { get; } = new() { Label = "bridge", Restart = PeerRestart.Wait };

    internal abstract SharedMemoryObject Memory { get; }

    internal abstract int MaxMessageLength { get; }

    /// <summary>Gets where the word is in the object that is another after each message.</summary>
    internal virtual int TailAt => MessagesAt;

    /// <summary>Gets the last message of a channel that this one has followed, in an object of its own; <see langword="null"/>: it has not.</summary>
    internal virtual (ulong Epoch, long Sequence)? Former => null;

    /// <summary>Gets whether the channel holds messages that a reader which comes later would read.</summary>
    internal virtual bool HasUnread => false;

    /// <summary>Makes a channel of the announced kind and shape.</summary>
    /// <exception cref="SharedMemoryException"><see cref="Errno.EEXIST"/>: the name is taken.</exception>
    internal static ImportTarget Create(string name, Announcement announced, ulong origin, UnixFileMode permissions, NameConflict conflict) => (ChannelKind)announced.Kind switch
    {
        ChannelKind.Broadcast => new BroadcastTarget(Broadcast.Create(name, new()
        {
            Capacity = announced.Capacity,
            MaxReaders = announced.Ends,
            History = announced.History,
            RecordAlignment = announced.Alignment,
            SchemaId = announced.SchemaId,
            ContentType = announced.ContentType,
            Permissions = permissions,
            Origin = origin,
            OnConflict = conflict,
        })),
        ChannelKind.Latest => new ValueTarget(LatestBytes.Create(name, new()
        {
            MaxLength = (int)announced.Capacity,
            Buffers = announced.History,
            SchemaId = announced.SchemaId,
            ContentType = announced.ContentType,
            Permissions = permissions,
            Origin = origin,
            OnConflict = conflict,
        })),
        ChannelKind.FanIn => new FanInTarget(FanIn.Create(name, new()
        {
            Capacity = announced.Capacity,
            MaxWriters = announced.Ends,
            SchemaId = announced.SchemaId,
            ContentType = announced.ContentType,
            Permissions = permissions,
            Origin = origin,
            OnConflict = conflict,
        })),
        ChannelKind.Frames => new FramesTarget(FrameChannel.Create(name, new()
        {
            Classes = SlotText.TryRead(announced.Slots!, announced.Alignment, out var classes) ? classes : throw new InvalidOperationException("Its slots were checked before."),
            Depth = announced.History,
            MaxReaders = announced.Ends,
            Alignment = announced.Alignment,
            SchemaId = announced.SchemaId,
            ContentType = announced.ContentType,
            Permissions = permissions,
            Origin = origin,
            OnConflict = conflict,
        })),
        _ => new RingTarget(MessageChannel.Create(name, new()
        {
            Capacity = announced.Capacity,
            ElementSize = announced.ElementSize,
            ElementAlignment = announced.ElementAlignment,
            RecordAlignment = announced.Alignment,
            SchemaId = announced.SchemaId,
            ContentType = announced.ContentType,
            Permissions = permissions,
            Origin = origin,
            OnConflict = conflict,
        })),
    };

    /// <summary>Opens a channel that an earlier import made, as its writer.</summary>
    /// <param name="name">The channel.</param>
    /// <param name="expected">Its header, as it was read before.</param>
    /// <exception cref="SharedMemoryException"><see cref="Errno.EBUSY"/>: another process writes it.</exception>
    /// <exception cref="InvalidOperationException">The name is that of another channel by now.</exception>
    internal static ImportTarget Open(string name, SourceHeader expected)
    {
        switch ((ChannelKind)expected.Kind)
        {
            case ChannelKind.Broadcast:
                var broadcast = Broadcast.Open(name);
                return new BroadcastTarget(Same(broadcast, broadcast.Memory));
            case ChannelKind.Latest:
                var value = LatestBytes.Open(name);
                return new ValueTarget(Same(value, value.Memory));
            case ChannelKind.FanIn:
                var fanIn = FanIn.Open(name);
                return new FanInTarget(Same(fanIn, fanIn.Memory));
            case ChannelKind.Frames:
                var frames = FrameChannel.Open(name);
                return new FramesTarget(Same(frames, frames.Memory));
            default:
                var channel = MessageChannel.Open(name);
                return new RingTarget(Same(channel, channel.Memory));
        }

        TChannel Same<TChannel>(TChannel opened, SharedMemoryObject memory)
            where TChannel : IDisposable
        {
            try
            {
                return SourceHeader.TryRead(memory) == expected ? opened : throw new InvalidOperationException($"'{name}' was replaced while it was opened.");
            }
            catch
            {
                opened.Dispose();
                throw;
            }
        }
    }

    /// <summary>The sequences of another life follow: what is held of the former one is dropped.</summary>
    internal virtual void BeginLife()
    {
    }

    /// <summary>Whether the message with which <see cref="TryWrite"/> is called again was written since.</summary>
    internal virtual bool HasWritten(long sequence) => false;

    /// <summary>Writes a message, if there is room for it now.</summary>
    internal abstract bool TryWrite(in ReadOnlySequence<byte> message, in MessageMark mark);

    /// <summary>Waits for room. False: there will be none for a while.</summary>
    internal abstract ValueTask<bool> WaitToWriteAsync(int length, CancellationToken cancellationToken);

    /// <summary>Begins a message in place, where that is possible and there is room.</summary>
    internal virtual bool TryBuild(int length, out Memory<byte> building)
    {
        building = default;
        return false;
    }

    /// <summary>Sends the message that was built. False: there is no room for it after all; it can be read from where it was built, and has to be cancelled.</summary>
    internal virtual bool TrySend(int length, in MessageMark mark) => false;

    /// <summary>Drops the message that was built.</summary>
    internal virtual void Cancel()
    {
    }

    internal abstract void Complete(int error);

    public abstract void Dispose();

    /// <summary>Opens the writer of a channel, which is closed where that fails.</summary>
    protected static TWriter OpenOrDispose<TWriter>(IDisposable channel, Func<TWriter> open)
    {
        try
        {
            return open();
        }
        catch
        {
            channel.Dispose();
            throw;
        }
    }
}
