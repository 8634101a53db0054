using Posix.SharedMemory.Threading;

namespace Posix.SharedMemory.Channels;

/// <summary>
/// The writing end of a broadcast: claims room that no reader needs any more which loses nothing, stores records, and publishes them. The model is tests/models/broadcast.pml.
/// </summary>
internal sealed unsafe class BroadcastTail : PublishingEnd
{
    private readonly BroadcastRecords _records;
    private readonly BroadcastReaders _readers;
    private readonly SharedEventCount _readerWakes;
    private readonly byte* _line;
    private readonly ulong _step;
    // Past what is stored, which in a batch is not published yet.
    private ulong _tail;
    private ulong _published;
    private ulong _intent;
    private ulong _limit;
    private ulong _sequence;
    private ulong _latest;
    private (ulong From, ulong At) _claim;
    private long _bytes;
    private long _waits;

    private BroadcastTail(Endpoint endpoint)
        : base(endpoint)
    {
        _records = new(endpoint.Channel);
        _readers = new(endpoint.Peers, !Header.IsSplit);
        _readerWakes = endpoint.PeerWakes;
        _line = endpoint.Channel.First + ChannelLayout.WriterLine;
        _step = _records.Capacity / 4;
    }

    /// <summary>Gets how many bytes of the ring are free now. Any thread may read it, also while the writer's own is at work: nothing is stored or judged here.</summary>
    internal long Free
    {
        get
        {
            RefuseIfClosed();
            // The readers first: the tail only grows.
            var slowest = _readers.FindSlowest(out var least);
            var tail = Volatile.Read(ref _tail);
            return (long)(_records.Capacity - (slowest is null ? 0 : Math.Min(_records.Capacity, tail - Math.Min(tail, least))));
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

    internal override int Borrow(EndAct act) => BeginWithTicket(act);

    internal override void Return(int ticket)
    {
        if (IsOpen(ticket))
        {
            if (_tail != _published)
            {
                Publish();
            }

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

    internal override bool TryStore(ReadOnlySpan<byte> message, ushort type)
    {
        if (!TryClaim(message.Length, out var at))
        {
            return false;
        }

        // SAFETY: the claim is contiguous and lies in the data, which the channel holds.
        MessageCopy.Copy(message, _records.At(at) + _records.Prefix);
        Store(at, message.Length, type);
        return true;
    }

    protected override bool TryPut(ReadOnlySpan<byte> message, ushort type)
    {
        var isStored = TryStore(message, type);
        if (isStored)
        {
            Publish();
        }

        return isStored;
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

    internal override bool TryClaim(int length, out ulong at)
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

        _claim = (_tail, at);
        if (_tail == _published)
        {
            // Read by the next writer only: it says where the last records are, also where this one dies before it has said so to the readers.
            _records.Start = at;
        }

        Volatile.WriteBarrier();
        if (at != _tail)
        {
            // SAFETY: the header lies in the claimed rest of the data, which is a multiple of 8.
            *(ulong*)_records.At(_tail) = (ulong)ChannelLayout.Padding << ChannelLayout.FlagsShift;
        }

        return true;
    }

    internal override bool IsNext(ulong at) => (_tail, at) == _claim;

    internal override int PlaceOf(ulong at) => (int)(_records.OffsetOf(at) - _records.DataOffset + (long)_records.Prefix);

    internal override void Store(ulong at, int length, ushort type)
    {
        var header = (uint)length | ((ulong)type << ChannelLayout.TypeShift);
        // SAFETY: the claim lies in the data, which the channel holds, at a multiple of 8, and has room for the prefix of at least 16 bytes.
        *(ulong*)(_records.At(at) + ChannelLayout.SequenceInRecord) = _sequence;
        // SAFETY: as above.
        *(ulong*)_records.At(at) = header;
        _records.Note(_sequence, at);
        _bytes += length;
        _sequence++;
        _latest = at;
        _tail = at + _records.SizeOf(header);
    }

    internal override void Publish()
    {
        KillWindow.Pass(KillWindow.BeforeCounters);
        // SYNC broadcast.number: pairs with BroadcastReading.GoToTail. The count comes before the tail, and the number of the next record after it: while both are the same, the tail is the end of the last record.
        // SAFETY: the line lies in the bytes that the channel holds.
        (*(ulong*)(_line + ChannelLayout.MessagesInLine), *(long*)(_line + ChannelLayout.BytesInLine)) = (_sequence, _bytes);
        KillWindow.Pass(KillWindow.BeforeIndex);
        // SYNC broadcast.publish: pairs with BroadcastReading.LoadTail. A reader that sees the tail sees every record before it.
        Volatile.Write(ref _records.Tail, _published = _tail);
        KillWindow.Pass(KillWindow.AfterIndex);
        _records.ShowLatest(_sequence, _latest);
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

    private ulong Least() => _readers.Scan(_records, _published, out var least) is not { } place ? least
        : throw Corrupt("a reader's position or mode", place.Offset + ChannelLayout.ModeInEndpoint, $"is {place.Position} in mode {place.Mode}, and the tail is {_published}");

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
        _tail = _published = Volatile.Read(ref _records.Tail);
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

    /// <summary>Says what a writer that was killed did not come to say: which records are the newest.</summary>
    private void Mend()
    {
        _sequence = Volatile.Read(ref _records.NextSequence);
        var start = Volatile.Read(ref _records.Start);
        if (start >= _tail)
        {
            // It is not published, or there is none; what was before it was said.
            return;
        }

        if (!_records.IsAligned(start) || _tail - start > _records.Capacity)
        {
            throw NoRecord(start, ulong.MaxValue);
        }

        ulong? expected = null;
        var latest = start;
        for (var at = start; at != _tail;)
        {
            var header = _records.HeaderAt(at);
            if (at != start && _records.IsPadding(at, header, _tail))
            {
                at += _records.RoomAt(at);
                continue;
            }

            if (!_records.IsRecord(at, header, _tail))
            {
                throw NoRecord(at, header);
            }

            var sequence = _records.SequenceAt(at);
            if (sequence != (expected ?? Math.Min(sequence, _sequence)))
            {
                throw WrongNumber(at, sequence);
            }

            _records.Note(sequence, at);
            (latest, expected) = (at, sequence + 1);
            at += _records.SizeOf(header);
        }

        if (expected < _sequence)
        {
            throw WrongNumber(latest, expected.Value - 1);
        }

        _sequence = expected ?? _sequence;
        _records.ShowLatest(_sequence, latest);
    }

    private ChannelCorruptException NoRecord(ulong at, ulong header) => Corrupt("the last record", ChannelLayout.StartAt, $"begins at {at} with the header {header:x16}, and the tail is {_tail}");

    private ChannelCorruptException WrongNumber(ulong at, ulong sequence) =>
        Corrupt("the last record's number", _records.OffsetOf(at) + ChannelLayout.SequenceInRecord, $"is {sequence}, and the next is {_sequence}");
}
