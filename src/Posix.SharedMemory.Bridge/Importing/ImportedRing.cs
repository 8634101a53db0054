using System.Buffers;
using Posix.SharedMemory.Channels;

namespace Posix.SharedMemory.Bridge;

/// <summary>The ring of this host that an import writes, and what waits for room in it. Not safe for several threads: the import's lock guards it.</summary>
internal sealed class ImportedRing : IDisposable
{
    private static readonly EndpointOptions s_writing = new() { Label = "bridge", Restart = PeerRestart.Wait };

    private readonly MessageChannel _channel;
    private readonly MessageWriter _writer;
    private readonly ImportLine _line;
    private readonly ParkedMessages _parked;
    private readonly bool _keepsNewest;
    private Memory<byte> _building;
    private byte[]? _pooled;
    private (long Sequence, int Total, int Filled, ushort Type) _part;
    private ulong _epoch;

    private ImportedRing(MessageChannel channel, MessageWriter writer, ImportLine line, BridgeOptions options, Announcement announced)
    {
        (Capacity, _epoch, LastWritten, Last) = (writer.Capacity, announced.EpochNumber, line.LastOf(announced.EpochNumber), line.Last);
        (_channel, _writer, _line, _keepsNewest) = (channel, writer, line, announced.Delivery == BridgeDelivery.Latest);
        // An exporter may exceed the window by what it was sending: a message, or a batch.
        _parked = new(options.WindowBytes + writer.MaxMessageLength + options.ChunkBytes);
    }

    /// <summary>Gets how many bytes the ring has.</summary>
    internal long Capacity { get; }

    /// <summary>Gets the last message of the announced life that was in the ring when it was opened; <see langword="null"/>: there was none.</summary>
    internal long? LastWritten { get; }

    /// <summary>Gets the last message that was in the ring when it was opened, of whichever life; <see langword="null"/>: there was none.</summary>
    internal (ulong Epoch, long Sequence)? Last { get; }

    /// <summary>Gets whether the name refers to another object now, or to none.</summary>
    internal bool HasLostName => _channel.Memory.IsUnlinked;

    internal int MaxMessageLength => _writer.MaxMessageLength;

    internal long ParkedBytes => _parked.Bytes;

    /// <summary>Gets whether messages wait for room; all that come wait after them then.</summary>
    internal bool IsParking { get; private set; }

    /// <summary>Gets the sequence of the message of which a part is here; 0: none.</summary>
    internal long PartSequence => _part.Sequence;

    /// <summary>Gets the length of the oldest message that waits.</summary>
    internal int WaitingLength => _parked.TryPeek(out var message) ? message.Length : 0;

    /// <summary>Gets the sequences of the oldest and the newest message that waits; 0: none.</summary>
    internal (long First, long Last) Waiting => _parked.Range;

    /// <summary>Makes the ring of an announced channel, or goes on with the one that an earlier bridge of this host left, or this one in an earlier life of the channel.</summary>
    /// <exception cref="InvalidOperationException">The name is taken by something else; the message says by what.</exception>
    /// <exception cref="SharedMemoryException">The ring could not be made, or another process is its writer.</exception>
    internal static ImportedRing Open(string name, Announcement announced, ulong origin, BridgeOptions options)
    {
        var ring = new MessageChannelOptions
        {
            Capacity = announced.Capacity,
            RecordAlignment = announced.Alignment,
            SchemaId = announced.SchemaId,
            ContentType = announced.ContentType,
            Permissions = options.Permissions,
            Origin = origin,
        };
        var (channel, writer) = TryCreate(name, ring) ?? TryTakeOver(name, ring) ?? Write(MessageChannel.Create(name, ring with { OnConflict = NameConflict.Replace }));
        try
        {
            return new(channel, writer, new(channel.Memory), options, announced);
        }
        catch
        {
            writer.Dispose();
            channel.Dispose();
            throw;
        }
    }

    /// <summary>Begins a life of the channel.</summary>
    /// <param name="epoch">The life.</param>
    /// <param name="next">The message that is expected first: if this process is killed before it is here, the next import misses it.</param>
    internal void BeginLife(ulong epoch, long next)
    {
        _epoch = epoch;
        if (next > 0)
        {
            _line.Note(epoch, next);
        }
    }

    /// <summary>Writes a message, or lets it wait for room.</summary>
    /// <returns>False: there is room for it neither here nor there.</returns>
    internal bool TryAdd(in ReadOnlySequence<byte> payload, long sequence, ushort type)
    {
        if (!IsParking)
        {
            _line.Note(_epoch, sequence);
            if (_writer.TryWrite(payload, type))
            {
                return true;
            }
        }

        Park();
        return _parked.TryAdd(payload, sequence, type);
    }

    /// <summary>Begins a message that comes in parts: in the ring where there is room, else in a pooled buffer.</summary>
    /// <returns>False: there is room for it neither here nor there.</returns>
    internal bool TryBegin(long sequence, int total, ushort type)
    {
        if (!IsParking && _writer.WaitToWrite(total, TimeSpan.Zero))
        {
            _building = _writer.GetMemory(total)[..total];
        }
        else
        {
            Park();
            if (!_parked.HasRoom(total))
            {
                return false;
            }

            _pooled = ArrayPool<byte>.Shared.Rent(total);
            _building = _pooled.AsMemory(0, total);
        }

        _part = (sequence, total, 0, type);
        return true;
    }

    /// <summary>Whether a part is the next of the message that has begun.</summary>
    internal bool IsNext(long sequence, long offset, long total, long length, ushort type) =>
        _part.Sequence == sequence && _part.Filled == offset && _part.Total == total && _part.Type == type && length > 0 && length <= total - offset;

    /// <summary>Whether a part is here already.</summary>
    internal bool HasPart(long sequence, long offset, long length) => _part.Sequence == sequence && offset + length <= _part.Filled;

    /// <summary>Adds the next part.</summary>
    /// <returns>True: the message is whole, and in the ring or waiting for it.</returns>
    internal bool AddPart(in ReadOnlySequence<byte> payload)
    {
        payload.CopyTo(_building.Span[_part.Filled..]);
        _part.Filled += (int)payload.Length;
        if (_part.Filled < _part.Total)
        {
            return false;
        }

        if (_pooled is { } buffer)
        {
            _pooled = null;
            _parked.Add(new(buffer, _part.Total, _part.Sequence, _part.Type));
        }
        else
        {
            _line.Note(_epoch, _part.Sequence);
            _writer.Advance(_part.Total);
            _writer.EndMessage(_part.Type);
        }

        (_part, _building) = (default, default);
        return true;
    }

    /// <summary>Drops the message of which parts are here: nothing of it is seen.</summary>
    internal void DropPart()
    {
        if (_part.Sequence == 0)
        {
            return;
        }

        if (_pooled is { } buffer)
        {
            _pooled = null;
            ArrayPool<byte>.Shared.Return(buffer);
        }
        else
        {
            _writer.CancelMessage();
        }

        (_part, _building) = (default, default);
    }

    /// <summary>Waits for room for the oldest message that waits. Nothing else may be written meanwhile.</summary>
    internal ValueTask<bool> WaitForRoomAsync(int length, CancellationToken cancellationToken) => _writer.WaitToWriteAsync(length, cancellationToken);

    /// <summary>Writes what waits, as far as there is room.</summary>
    internal void Drain()
    {
        while (_parked.TryPeek(out var message))
        {
            _line.Note(_epoch, message.Sequence);
            if (!_writer.TryWrite(message.Buffer.AsSpan(0, message.Length), message.Type))
            {
                return;
            }

            _parked.Remove();
        }

        // A message that comes in parts and waits goes to the end of the queue when it is whole.
        IsParking = _pooled is not null;
    }

    internal void Complete(int error) => _writer.Complete(error);

    public void Dispose()
    {
        DropPooled();
        _parked.Clear();
        _line.Dispose();
        _writer.Dispose();
        _channel.Dispose();
    }

    private void DropPooled()
    {
        if (_pooled is { } buffer)
        {
            _pooled = null;
            ArrayPool<byte>.Shared.Return(buffer);
        }
    }

    private void Park()
    {
        IsParking = true;
        if (_keepsNewest)
        {
            _parked.Clear();
        }
    }

    private static (MessageChannel Channel, MessageWriter Writer)? TryCreate(string name, MessageChannelOptions options)
    {
        try
        {
            return Write(MessageChannel.Create(name, options));
        }
        catch (SharedMemoryException e) when (e.Errno == Errno.EEXIST)
        {
            return null;
        }
    }

    /// <summary>Goes on with the ring that is there. Where that cannot be, its readers see its end.</summary>
    /// <returns><see langword="null"/>: nobody writes it, and it is to be replaced by one of the announced shape.</returns>
    private static (MessageChannel Channel, MessageWriter Writer)? TryTakeOver(string name, MessageChannelOptions options)
    {
        var header = RequireImported(name, options.Origin);
        var channel = MessageChannel.Open(name);
        MessageWriter? writer = null;
        var goesOn = false;
        try
        {
            var status = channel.GetStatus();
            if (SourceHeader.TryRead(channel.Memory) is not { } now || now.Epoch != header.Epoch)
            {
                throw new InvalidOperationException($"'{name}' was replaced while it was opened.");
            }

            if (status.State != ChannelState.Open)
            {
                return null;
            }

            // Another process that writes it, such as a second bridge, is EBUSY here: its ring stays.
            writer = channel.OpenWriter(s_writing);
            goesOn = (now.Capacity, now.Alignment, status.SchemaId, status.ContentType) == (options.Capacity, options.RecordAlignment, options.SchemaId, options.ContentType);
            if (goesOn)
            {
                return (channel, writer);
            }

            writer.Complete((int)Errno.ESTALE);
            return null;
        }
        finally
        {
            if (!goesOn)
            {
                writer?.Dispose();
                channel.Dispose();
            }
        }
    }

    /// <summary>Refuses what was not imported from that host: it is neither joined nor written.</summary>
    private static SourceHeader RequireImported(string name, ulong origin)
    {
        var memory = SharedMemoryObject.Open(name, FileMode.Open, FileAccess.Read);
        try
        {
            return SourceHeader.TryRead(memory) is { Kind: FrameLimits.MessageKind } header && header.Origin == origin ? header
                : throw new InvalidOperationException($"'{name}' is taken by something that was not imported from that host.");
        }
        finally
        {
            memory.DisposeKeepingLocks();
        }
    }

    private static (MessageChannel Channel, MessageWriter Writer) Write(MessageChannel channel)
    {
        try
        {
            return (channel, channel.OpenWriter(s_writing));
        }
        catch
        {
            channel.Dispose();
            throw;
        }
    }
}
