using Posix.SharedMemory.Threading;

namespace Posix.SharedMemory.Channels;

/// <summary>
/// The writing end of a broadcast: claims room that no reader needs any more which loses nothing, stores records, and publishes them. The model is tests/models/broadcast.pml.
/// </summary>
internal sealed unsafe class BroadcastTail : WritingEnd
{
    private readonly BroadcastRecords _records;
    private readonly BroadcastReaders _readers;
    private readonly SharedEventCount _readerWakes;
    private readonly byte* _line;
    private readonly ulong _step;
    private ulong _tail;
    private ulong _intent;
    private ulong _limit;
    private ulong _sequence;
    private ulong _reserved;
    private long _bytes;
    private long _waits;

    private BroadcastTail(Endpoint endpoint)
        : base(endpoint)
    {
        _records = new(endpoint.Channel);
        _readers = new(endpoint.Peers);
        _readerWakes = endpoint.PeerWakes;
        _line = endpoint.Channel.First + ChannelLayout.WriterLine;
        _step = _records.Capacity / 4;
    }

    /// <summary>Gets how many bytes of the ring are free now.</summary>
    internal long Free
    {
        get
        {
            RefuseIfClosed();
            return (long)(_records.Capacity - Math.Min(_records.Capacity, _tail - Least()));
        }
    }

    internal BroadcastReaders Readers => _readers;

    /// <summary>Opens the writer.</summary>
    internal static BroadcastTail Open(ChannelMemory channel, EndpointOptions? options)
    {
        var writer = new BroadcastTail(Endpoint.Enter(channel, EndpointRole.Writer, options));
        try
        {
            writer.TakeOver();
            return writer;
        }
        catch
        {
            writer.Dispose();
            throw;
        }
    }

    /// <summary>Writes a message, if there is room.</summary>
    internal bool TryWrite(ReadOnlySpan<byte> message, ushort type)
    {
        Begin(EndAct.Call);
        try
        {
            RequireMessage(message.Length, type);
            return TryPut(message, type);
        }
        finally
        {
            Finish(EndAct.Call);
        }
    }

    internal override bool TryReserve(int length, out int place, out int ticket)
    {
        ticket = BeginWithTicket(EndAct.Borrow);
        var isClaimed = false;
        try
        {
            isClaimed = TryClaim(length, out _reserved);
            place = isClaimed ? (int)(_records.OffsetOf(_reserved) - _records.DataOffset + (long)_records.Prefix) : 0;
            return isClaimed;
        }
        finally
        {
            if (!isClaimed)
            {
                Return(ticket);
                ticket = 0;
            }
        }
    }

    internal override void Commit(int length, ushort type)
    {
        Publish(_reserved, length, type);
        Return(OpenTicket);
    }

    internal override void Return(int ticket)
    {
        if (IsOpen(ticket))
        {
            FinishWithTicket();
        }
    }

    /// <summary>Waits no longer for a reader. Any thread may call it.</summary>
    internal bool Evict(int endpoint)
    {
        RefuseIfClosed();
        var isEvicted = _readers.Evict(endpoint);
        if (isEvicted)
        {
            Endpoint.Notify();
        }

        return isEvicted;
    }

    protected override bool TryPut(ReadOnlySpan<byte> message, ushort type)
    {
        if (!TryClaim(message.Length, out var at))
        {
            return false;
        }

        // SAFETY: the claim is contiguous and lies in the data, which the channel holds.
        message.CopyTo(new(_records.At(at) + _records.Prefix, message.Length));
        Publish(at, message.Length, type);
        return true;
    }

    protected override bool Poll(int length)
    {
        var end = EndOf(length, out _);
        return end <= _limit || TryRaise(end);
    }

    // No reader ends a broadcast: others may come.
    protected override bool HasEnded() => false;

    protected override (uint Generation, PeerState State) LookAtPeer() => (0, PeerState.Alive);

    protected override void CountWait() =>
        // SAFETY: the line lies in the bytes that the channel holds.
        Volatile.Write(ref *(long*)(_line + ChannelLayout.WaitsInLine), ++_waits);

    /// <summary>Where the tail would be after a message, and where its record would begin.</summary>
    private ulong EndOf(int length, out ulong at)
    {
        var (need, room) = (_records.SizeOf((uint)length), _records.RoomAt(_tail));
        at = need <= room ? _tail : _tail + room;
        return at + need;
    }

    /// <summary>Claims room for a record in one piece, and pads what is left before the end of the data where it does not fit.</summary>
    private bool TryClaim(int length, out ulong at)
    {
        var end = EndOf(length, out at);
        if (end > _limit && !TryRaise(end))
        {
            return false;
        }

        KillWindow.Pass(KillWindow.BeforeHeader);
        if (end > _intent)
        {
            // SYNC broadcast.intent: pairs with LossyReader.IsWhole. It never falls: a reader that has copied a byte of the new record finds that the old one was overrun.
            Volatile.Write(ref _records.Intent, end);
            _intent = end;
        }

        // Read by the next writer only: it says which record is the last, also where this one dies before it has said so to the readers.
        _records.Start = at;
        Volatile.WriteBarrier();
        if (at != _tail)
        {
            // SAFETY: the header lies in the claimed rest of the data, which is a multiple of 8.
            *(ulong*)_records.At(_tail) = (ulong)ChannelLayout.Padding << ChannelLayout.FlagsShift;
        }

        return true;
    }

    /// <summary>Stores the header of a claimed record whose payload stands there, and lets the readers see it.</summary>
    private void Publish(ulong at, int length, ushort type)
    {
        var header = (uint)length | ((ulong)type << ChannelLayout.TypeShift);
        // SAFETY: the claim lies in the data, which the channel holds, at a multiple of 8, and has room for the prefix of at least 16 bytes.
        *(ulong*)(_records.At(at) + ChannelLayout.SequenceInRecord) = _sequence;
        // SAFETY: as above.
        *(ulong*)_records.At(at) = header;
        _bytes += length;
        var sequence = _sequence++;
        KillWindow.Pass(KillWindow.BeforeCounters);
        // SYNC broadcast.number: pairs with BroadcastReading.GoToTail. The count comes before the tail, and the number of the next record after it: while both are the same, the tail is the end of the last record.
        // SAFETY: the line lies in the bytes that the channel holds.
        (*(ulong*)(_line + ChannelLayout.MessagesInLine), *(long*)(_line + ChannelLayout.BytesInLine)) = (_sequence, _bytes);
        KillWindow.Pass(KillWindow.BeforeIndex);
        // SYNC broadcast.publish: pairs with BroadcastReading.LoadTail. A reader that sees the tail sees every record before it.
        Volatile.Write(ref _records.Tail, _tail = at + _records.SizeOf(header));
        KillWindow.Pass(KillWindow.AfterIndex);
        _records.Remember(sequence, at);
        KillWindow.Pass(KillWindow.AfterHistory);
        _readerWakes.NotifyAll();
    }

    /// <summary>Promises itself more room, if no reader needs it that loses nothing.</summary>
    private bool TryRaise(ulong end)
    {
        while (true)
        {
            var old = _limit;
            // No more than is needed, and a quarter: what is promised is lost for those who join.
            var promise = Math.Max(old, Math.Min(Least() + _records.Capacity, end + _step));
            if (promise != old)
            {
                Volatile.Write(ref _records.Limit, promise);
                KillWindow.Pass(KillWindow.AfterPromise);
                // SYNC broadcast.join: pairs with LosslessReader.Join. Either this look finds a reader that has just joined, or that reader finds the promise.
                Interlocked.MemoryBarrier();
                var most = Least() + _records.Capacity;
                if (most < promise)
                {
                    // It never falls below what was promised before.
                    promise = Math.Max(old, most);
                    Volatile.Write(ref _records.Limit, promise);
                }

                _limit = promise;
            }

            if (end <= _limit)
            {
                return true;
            }

            if (!TrySettle())
            {
                return false;
            }
        }
    }

    private ulong Least() => _readers.Scan(_records, _tail, out var least) is not { } place ? least
        : throw Corrupt("a reader's position or mode", place.Offset + ChannelLayout.ModeInEndpoint, $"is {place.Position} in mode {place.Mode}, and the tail is {_tail}");

    private bool TrySettle()
    {
        try
        {
            return _readers.Settle();
        }
        catch (Exception e) when (e is InvalidDataException or RetiredException or LockLostException)
        {
            throw Corrupt("the roster or an endpoint", Endpoint.Peers[0].Offset, $"was overwritten ({e.Message})");
        }
    }

    /// <summary>Goes on where a former writer ended.</summary>
    private void TakeOver()
    {
        // SAFETY: the line lies in the bytes that the channel holds.
        if (Volatile.Read(ref *(uint*)(_line + ChannelLayout.StateInLine)) != 0)
        {
            throw new InvalidOperationException($"{Endpoint.Channel.Subject} was completed by an earlier writer: nothing more can be written to it.");
        }

        // The mutex was entered: a former writer has confirmed its end, and stores nothing more.
        _tail = Volatile.Read(ref _records.Tail);
        _intent = Volatile.Read(ref _records.Intent);
        if (_tail > ChannelLayout.MostIndex || !_records.IsAligned(_tail))
        {
            throw Corrupt("the tail", ChannelLayout.WriterLine, $"is {_tail}");
        }

        if (_intent < _tail || _intent - _tail > _records.Capacity || !_records.IsAligned(_intent))
        {
            throw Corrupt("the intent", ChannelLayout.IntentAt, $"is {_intent}, and the tail {_tail}");
        }

        // SYNC broadcast.takeover: pairs with LosslessReader.Join. A writer that was killed may not have looked again after its last promise; what it may have written over stays promised.
        Volatile.Write(ref _records.Limit, _limit = _intent);
        Mend();
        // One that was killed may have counted a message that it did not publish.
        // SAFETY: the line lies in the bytes that the channel holds.
        *(ulong*)(_line + ChannelLayout.MessagesInLine) = _sequence;
        // SAFETY: as above.
        (_bytes, _waits) = (*(long*)(_line + ChannelLayout.BytesInLine), *(long*)(_line + ChannelLayout.WaitsInLine));
        Endpoint.Occupy();
    }

    /// <summary>Says what a writer that was killed did not come to say: which record is the newest.</summary>
    private void Mend()
    {
        _sequence = Volatile.Read(ref _records.NextSequence);
        var start = Volatile.Read(ref _records.Start);
        if (start >= _tail)
        {
            // It is not published, or there is none; what was before it was said.
            return;
        }

        var header = _records.IsAligned(start) && _tail - start <= _records.Capacity ? _records.HeaderAt(start) : ulong.MaxValue;
        if (!_records.IsRecord(start, header, _tail) || start + _records.SizeOf(header) != _tail)
        {
            throw Corrupt("the last record", ChannelLayout.StartAt, $"begins at {start} with the header {header:x16}, and the tail is {_tail}");
        }

        var sequence = _records.SequenceAt(start);
        if (sequence == _sequence)
        {
            _records.Remember(sequence, start);
            _sequence++;
        }
        else if (sequence + 1 != _sequence)
        {
            throw Corrupt("the last record's number", _records.OffsetOf(start) + ChannelLayout.SequenceInRecord, $"is {sequence}, and the next is {_sequence}");
        }
    }
}
