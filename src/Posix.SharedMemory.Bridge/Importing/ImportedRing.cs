using System.Buffers;
using Posix.SharedMemory.Channels;

namespace Posix.SharedMemory.Bridge;

/// <summary>The ring of this host that an import writes, and what waits for room in it. Not safe for several threads: the import's lock guards it.</summary>
internal sealed class ImportedRing : IDisposable
{
    private readonly ImportTarget _target;
    private readonly ImportLine _line;
    private readonly ParkedMessages _parked;
    private readonly bool _keepsNewest;
    private readonly int _elementSize;
    private Memory<byte> _building;
    private byte[]? _pooled;
    private (MessageMark Mark, int Total, int Filled) _part;
    private ulong _epoch;

    private ImportedRing(ImportTarget target, ImportLine line, BridgeOptions options, Announcement announced)
    {
        if (target.Former is { } former)
        {
            // The next one would have been written next.
            line.Note(former.Epoch, former.Sequence + 1);
        }

        (Bytes, _epoch, LastWritten, Last) = (announced.Bytes, announced.EpochNumber, line.LastOf(announced.EpochNumber), line.Last);
        (_target, _line, _keepsNewest, _elementSize) = (target, line, announced.Delivery == BridgeDelivery.Latest, announced.ElementSize);
        // An exporter may exceed the window by what it was sending: a message, or a batch.
        _parked = new(options.WindowBytes + target.MaxMessageLength + options.ChunkBytes);
    }

    /// <summary>Gets about how many bytes the channel takes.</summary>
    internal long Bytes { get; }

    /// <summary>Gets the last message of the announced life that was in the ring when it was opened; <see langword="null"/>: there was none.</summary>
    internal long? LastWritten { get; }

    /// <summary>Gets the last message that was in the ring when it was opened, of whichever life; <see langword="null"/>: there was none.</summary>
    internal (ulong Epoch, long Sequence)? Last { get; }

    /// <summary>Gets whether the name refers to another object now, or to none.</summary>
    internal bool HasLostName => _target.Memory.IsUnlinked;

    /// <summary>Gets whether the ring holds messages that a reader which comes later would read.</summary>
    internal bool HasUnread => _target.HasUnread;

    /// <summary>Gets how long messages are that the ring can take.</summary>
    internal (int Least, int Most) Lengths => (_elementSize, _target.MaxMessageLength);

    internal long ParkedBytes => _parked.Bytes;

    /// <summary>Gets whether messages wait for room; all that come wait after them then.</summary>
    internal bool IsParking { get; private set; }

    /// <summary>Gets the sequence of the message of which a part is here; 0: none.</summary>
    internal long PartSequence => _part.Mark.Sequence;

    /// <summary>Gets the length of the oldest message that waits.</summary>
    internal int WaitingLength => _parked.TryPeek(out var message) ? message.Length : 0;

    /// <summary>Gets the sequences of the oldest and the newest message that waits; 0: none.</summary>
    internal (long First, long Last) Waiting => _parked.Range;

    /// <summary>Makes the ring of an announced channel, or goes on with the one that an earlier bridge of this host left, or this one in an earlier life of the channel.</summary>
    /// <exception cref="InvalidOperationException">The name is taken by something else; the message says by what.</exception>
    /// <exception cref="SharedMemoryException">The ring could not be made, or another process is its writer.</exception>
    internal static ImportedRing Open(string name, Announcement announced, ulong origin, BridgeOptions options)
    {
        var target = TryCreate(name, announced, origin, options.Permissions) ?? TryTakeOver(name, announced, origin)
            ?? ImportTarget.Create(name, announced, origin, options.Permissions, NameConflict.Replace);
        try
        {
            return new(target, new(target.Memory, target.TailAt), options, announced);
        }
        catch
        {
            target.Dispose();
            throw;
        }
    }

    /// <summary>Whether an earlier bridge of this host has left a ring open that it imported from a host.</summary>
    internal static bool IsLeftOpen(string name, ulong origin)
    {
        try
        {
            return RequireImported(name, origin).Status.State == ChannelState.Open;
        }
        catch (Exception e) when (e is SharedMemoryException or ChannelException or InvalidOperationException or InvalidDataException or ArgumentException)
        {
            return false;
        }
    }

    /// <summary>Begins a life of the channel.</summary>
    /// <param name="epoch">The life.</param>
    /// <param name="next">The message that is expected first: if this process is killed before it is here, the next import misses it.</param>
    internal void BeginLife(ulong epoch, long next)
    {
        _epoch = epoch;
        _target.BeginLife();
        if (next > 0)
        {
            _line.Note(epoch, next);
        }
    }

    /// <summary>Writes a message, or lets it wait for room.</summary>
    /// <returns>False: there is room for it neither here nor there.</returns>
    internal bool TryAdd(in ReadOnlySequence<byte> payload, in MessageMark mark)
    {
        if (!IsParking)
        {
            _line.Note(_epoch, mark.Sequence);
            if (_target.TryWrite(payload, mark))
            {
                return true;
            }
        }

        Park();
        return _parked.TryAdd(payload, mark);
    }

    /// <summary>Begins a message that comes in parts: in the ring where there is room, else in a pooled buffer.</summary>
    /// <returns>False: there is room for it neither here nor there.</returns>
    internal bool TryBegin(int total, in MessageMark mark)
    {
        if (!IsParking && _target.TryBuild(total, out var building))
        {
            _building = building;
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

        _part = (mark, total, 0);
        return true;
    }

    /// <summary>Whether a part is the next of the message that has begun.</summary>
    internal bool IsNext(long sequence, long offset, long total, long length, ushort type) =>
        PartSequence == sequence && _part.Filled == offset && _part.Total == total && _part.Mark.Type == type && length > 0 && length <= total - offset;

    /// <summary>Whether a part is here already.</summary>
    internal bool HasPart(long sequence, long offset, long length) => PartSequence == sequence && offset + length <= _part.Filled;

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
            _parked.Add(new(buffer, _part.Total, _part.Mark));
        }
        else
        {
            _line.Note(_epoch, PartSequence);
            if (!_target.TrySend(_part.Total, _part.Mark))
            {
                Park();
                var waiting = ArrayPool<byte>.Shared.Rent(_part.Total);
                _building.CopyTo(waiting);
                _target.Cancel();
                _parked.Add(new(waiting, _part.Total, _part.Mark));
            }
        }

        (_part, _building) = (default, default);
        return true;
    }

    /// <summary>Drops the message of which parts are here: nothing of it is seen.</summary>
    internal void DropPart()
    {
        if (PartSequence == 0)
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
            _target.Cancel();
        }

        (_part, _building) = (default, default);
    }

    /// <summary>Waits for room for the oldest message that waits. Nothing else may be written meanwhile.</summary>
    internal ValueTask<bool> WaitForRoomAsync(int length, CancellationToken cancellationToken) => _target.WaitToWriteAsync(length, cancellationToken);

    /// <summary>Writes what waits, as far as there is room.</summary>
    internal void Drain()
    {
        while (_parked.TryPeek(out var message))
        {
            if (!_target.HasWritten(message.Sequence))
            {
                _line.Note(_epoch, message.Sequence);
            }

            if (!_target.TryWrite(message.Bytes, message.Mark))
            {
                return;
            }

            _parked.Remove();
        }

        // A message that comes in parts and waits goes to the end of the queue when it is whole.
        IsParking = _pooled is not null;
    }

    internal void Complete(int error) => _target.Complete(error);

    public void Dispose()
    {
        DropPooled();
        _parked.Clear();
        _line.Dispose();
        _target.Dispose();
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

    private static ImportTarget? TryCreate(string name, Announcement announced, ulong origin, UnixFileMode permissions)
    {
        try
        {
            return ImportTarget.Create(name, announced, origin, permissions, NameConflict.Fail);
        }
        catch (SharedMemoryException e) when (e.Errno == Errno.EEXIST)
        {
            return null;
        }
    }

    /// <summary>Goes on with the ring that is there. Where that cannot be, its readers see its end.</summary>
    /// <returns><see langword="null"/>: nobody writes it, and it is to be replaced by one of the announced shape.</returns>
    private static ImportTarget? TryTakeOver(string name, Announcement announced, ulong origin)
    {
        var (header, status) = RequireImported(name, origin);
        if (status.State != ChannelState.Open)
        {
            return null;
        }

        // Another process that writes it, such as a second bridge, is EBUSY here: its ring stays.
        var target = ImportTarget.Open(name, header);
        if ((header.Kind, header.Capacity, header.Alignment, header.Count, header.Ends, header.Slots, (header.ElementSize, header.ElementAlignment), status.SchemaId, status.ContentType)
            == (announced.Kind, announced.Capacity, announced.Alignment, announced.History, announced.Ends, announced.Slots ?? "", (announced.ElementSize, announced.ElementAlignment), announced.SchemaId, announced.ContentType))
        {
            return target;
        }

        using (target)
        {
            target.Complete((int)Errno.ESTALE);
            return null;
        }
    }

    /// <summary>Refuses what was not imported from that host: it is neither joined nor written.</summary>
    private static (SourceHeader Header, ChannelStatus Status) RequireImported(string name, ulong origin)
    {
        var memory = SharedMemoryObject.Open(name, FileMode.Open, FileAccess.Read);
        try
        {
            return SourceHeader.TryRead(memory) is { } header && header.Origin == origin && Announcement.IsCarried(header.Kind) && ChannelStatus.TryRead(memory) is { } status ? (header, status)
                : throw new InvalidOperationException($"'{name}' is taken by something that was not imported from that host.");
        }
        finally
        {
            memory.DisposeKeepingLocks();
        }
    }
}
