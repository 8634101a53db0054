using System.Buffers;
using Posix.SharedMemory.Channels;

namespace Posix.SharedMemory.Bridge;

/// <summary>A channel of this host that an import writes, of whichever kind.</summary>
internal abstract class ImportTarget : IDisposable
{
    /// <summary>How the bridge takes part in a channel.</summary>
    protected static EndpointOptions Writing { get; } = new() { Label = "bridge", Restart = PeerRestart.Wait };

    internal abstract SharedMemoryObject Memory { get; }

    internal abstract int MaxMessageLength { get; }

    /// <summary>Gets where the word is in the object that is another after each message.</summary>
    internal virtual int TailAt => 256;

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
        _ => new RingTarget(MessageChannel.Create(name, new()
        {
            Capacity = announced.Capacity,
            RecordAlignment = announced.Alignment,
            SchemaId = announced.SchemaId,
            ContentType = announced.ContentType,
            Permissions = permissions,
            Origin = origin,
            OnConflict = conflict,
        })),
    };

    /// <summary>Opens a channel that an earlier import made, as its writer.</summary>
    /// <exception cref="SharedMemoryException"><see cref="Errno.EBUSY"/>: another process writes it.</exception>
    internal static ImportTarget Open(string name, int kind) => (ChannelKind)kind switch
    {
        ChannelKind.Broadcast => new BroadcastTarget(Broadcast.Open(name)),
        ChannelKind.Latest => new ValueTarget(LatestBytes.Open(name)),
        ChannelKind.FanIn => new FanInTarget(FanIn.Open(name)),
        _ => new RingTarget(MessageChannel.Open(name)),
    };

    internal abstract bool TryWrite(in ReadOnlySequence<byte> message, ushort type);

    internal abstract bool TryWrite(ReadOnlySpan<byte> message, ushort type);

    /// <summary>Waits for room. False: there will be none for a while.</summary>
    internal abstract ValueTask<bool> WaitToWriteAsync(int length, CancellationToken cancellationToken);

    /// <summary>Begins a message in place, where that is possible and there is room.</summary>
    internal virtual bool TryBuild(int length, out Memory<byte> building)
    {
        building = default;
        return false;
    }

    /// <summary>Sends the message that was built.</summary>
    internal virtual void Send(int length, ushort type)
    {
    }

    /// <summary>Drops the message that was built.</summary>
    internal virtual void Cancel()
    {
    }

    internal abstract void Complete(int error);

    public abstract void Dispose();
}
