using System.Runtime.CompilerServices;
using Posix.SharedMemory.Threading;

namespace Posix.SharedMemory.Channels;

/// <summary>The head of a ring, as its reader keeps it: finds records before the tail, and releases them. Nothing that stands there is trusted, and nothing here waits.</summary>
internal abstract unsafe class RingHead : ReadingEnd
{
    /// <summary>The header of the record of an object.</summary>
    private const ulong ObjectHeader = ChannelLayout.ObjectRecordSize | ((ulong)ChannelLayout.ObjectType << ChannelLayout.TypeShift);

    private readonly byte* _data;
    private readonly byte* _line;
    private readonly byte* _writerLine;
    private readonly ulong _capacity;
    private readonly ulong _mask;
    private readonly ulong _prefix;
    private readonly ulong _round;
    private readonly ulong _quarter;
    private readonly ulong _most;
    private readonly SharedEventCount _writerWakes;
    private ulong _head;
    private ulong _released;
    private ulong _releaseFrom;
    private ulong _tail;
    private long _messages;
    private long _bytes;

    protected RingHead(Endpoint endpoint)
        : base(endpoint)
    {
        var header = endpoint.Channel.Header;
        _data = endpoint.Data;
        _line = endpoint.Line(ChannelLayout.ReaderLine);
        _writerLine = endpoint.Line(ChannelLayout.WriterLine);
        _capacity = (ulong)header.Capacity;
        _mask = _capacity - 1;
        _prefix = (ulong)header.Prefix;
        _round = (ulong)header.RecordAlign - 1;
        _quarter = _capacity / 4;
        _most = (ulong)header.MaxMessage;
        _writerWakes = endpoint.PeerWakes;
    }

    /// <summary>Gets or sets the objects whose records are among the messages; <see langword="null"/>: there are none, and their records are refused.</summary>
    internal ReceivedObjects? Objects { get; set; }

    /// <summary>Gets or sets whether records of calls are read as messages. Otherwise they are refused: nobody would answer them.</summary>
    internal bool TakesCalls { get; set; }

    /// <summary>Gets the line that this side stores.</summary>
    protected byte* Line => _line;

    /// <summary>Gets the place of the next record.</summary>
    internal ulong Head => _head;

    /// <summary>Gets the indices between which the waiting records are. Any thread may read it, also while the reader's own is at work: nothing is stored or judged here.</summary>
    internal (ulong Head, ulong Tail) Waiting
    {
        get
        {
            RefuseIfClosed();
            // The head first: the tail only grows.
            var head = Volatile.Read(ref _head);
            // SAFETY: the line lies in the bytes that the channel holds.
            var tail = Volatile.Read(ref *(ulong*)(_writerLine + ChannelLayout.IndexInLine));
            return (head, head + Math.Min(_capacity, tail - Math.Min(tail, head)));
        }
    }

    /// <summary>Finds the next record. The act is the caller's.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal bool TryFind(out RingRecord record)
    {
        if (_head != _tail || LoadTail())
        {
            var (at, header) = (_head, 0UL);
            var isFound = TryFind(ref at, ref header);
            _head = at;
            record = new(at, header);
            return isFound;
        }

        record = default;
        return false;
    }

    /// <summary>Where the record begins that ends at a place.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal ulong StartOf(ulong end, ulong header) => end - SizeOf(header);

    /// <summary>Goes to the next record of an enumeration. The former one was read; its room is given back from time to time, or at once if the writer sleeps.</summary>
    /// <param name="ticket">The enumeration's.</param>
    /// <param name="head">The enumeration's own copy of the head: it stays in a register, and one that differs from the reader's belongs to a copy that was left behind.</param>
    /// <param name="header">Gets the header of the record that ends where <paramref name="head"/> is then.</param>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal bool TryMove(int ticket, ref ulong head, ref ulong header)
    {
        var (at, found) = (head, 0UL);
        if (_head != at || !IsOpen(ticket))
        {
            ThrowEnded();
        }

        if (at >= _releaseFrom || _writerWakes.HasWaiters)
        {
            PublishIfRead();
        }

        if (at == _tail || !TryFind(ref at, ref found))
        {
            _head = head = at;
            return false;
        }

        header = found;
        _head = head = at + SizeOf(found);
        _messages++;
        _bytes += (uint)found;
        return true;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal void Advance(RingRecord record)
    {
        _head = record.At + SizeOf(record.Header);
        _messages++;
        _bytes += record.Length;
    }

    /// <summary>Finds the record at a place, from the head on, and goes on to the next place; nothing is passed yet. The act is the caller's.</summary>
    internal bool TryPeek(ref ulong at, out RingRecord record)
    {
        var header = 0UL;
        if (at == _tail)
        {
            LoadTail();
        }

        var isFound = at != _tail && TryFind(ref at, ref header);
        record = new(at, header);
        at += isFound ? SizeOf(header) : 0;
        return isFound;
    }

    /// <summary>Passes all records before a place that <see cref="TryPeek"/> came to.</summary>
    internal void PassTo(ulong end, long messages, long bytes)
    {
        _head = end;
        _messages += messages;
        _bytes += bytes;
        Publish();
    }

    /// <summary>Lets the writer have what was read.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal void Publish()
    {
        KillWindow.Pass(KillWindow.BeforeCounters);
        // SAFETY: the line lies in the bytes that the channel holds.
        *(long*)(_line + ChannelLayout.MessagesInLine) = _messages;
        // SAFETY: as above.
        *(long*)(_line + ChannelLayout.BytesInLine) = _bytes;
        _released = _head;
        _releaseFrom = _released + _quarter;
        KillWindow.Pass(KillWindow.BeforeIndex);
        // SYNC ring.release: pairs with RingTail.LoadHead. A writer that sees the head may overwrite what is before it.
        // SAFETY: as above.
        Volatile.Write(ref *(ulong*)(_line + ChannelLayout.IndexInLine), _head);
        KillWindow.Pass(KillWindow.AfterIndex);
        if (_writerWakes.NotifyAll())
        {
            Endpoint.Ring();
        }

        EndIfEnding();
    }

    protected override bool Poll(int length) => (_head != _tail || LoadTail()) && (Objects is null || !PassTakenObjects());

    /// <summary>Passes the records of objects that were received already: a wait does not end with what cannot be read.</summary>
    /// <returns>Whether nothing follows them.</returns>
    private bool PassTakenObjects()
    {
        while (_head != _tail || LoadTail())
        {
            // SAFETY: head and tail are checked multiples of 8 inside one capacity, so the header is inside the data, which the channel holds.
            var header = Volatile.Read(ref *(ulong*)(_data + (_head & _mask)));
            if (header < (ulong)ChannelLayout.FirstReservedType << ChannelLayout.TypeShift)
            {
                return false;
            }

            var next = PassUnusual(_head, header);
            if (next == _head)
            {
                return false;
            }

            _head = next;
        }

        PublishIfRead();
        return true;
    }

    private bool LoadTail()
    {
        // SYNC ring.publish: pairs with RingTail.Publish. Every record before the tail is complete.
        // SAFETY: the line lies in the bytes that the channel holds.
        var tail = Volatile.Read(ref *(ulong*)(_writerLine + ChannelLayout.IndexInLine));
        if (tail == _tail)
        {
            return _head != tail;
        }

        if (tail < _tail || tail - _head > _capacity || (tail & _round) != 0)
        {
            throw Corrupt("the tail", Endpoint.Place(ChannelLayout.WriterLine), $"went from {_tail} to {tail}, and the head is {_head}");
        }

        _tail = tail;
        return _head != tail;
    }

    /// <summary>Reads and checks the record before the tail, and passes padding.</summary>
    /// <returns>False: there was padding up to the tail.</returns>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private bool TryFind(ref ulong at, ref ulong header)
    {
        while (true)
        {
            var offset = at & _mask;
            // SAFETY: head and tail are checked multiples of 8 inside one capacity, so the header is inside the data, which the channel holds. One load: what a peer stores later changes nothing.
            header = Volatile.Read(ref *(ulong*)(_data + offset));
            var need = SizeOf(header);
            // No flags, and a type that is not reserved, in one comparison.
            if (header < (ulong)ChannelLayout.FirstReservedType << ChannelLayout.TypeShift && (uint)header <= _most && need <= _tail - at && need <= _capacity - offset)
            {
                return true;
            }

            var next = PassUnusual(at, header);
            if (next == at)
            {
                return true;
            }

            at = next;
            if (at == _tail)
            {
                return false;
            }
        }
    }

    /// <summary>Where the data begins again after padding, or the next record after that of an object that was received already.</summary>
    /// <returns><paramref name="at"/>: the record of an object or a call, which is read as a message.</returns>
    /// <exception cref="ChannelCorruptException">The header is not one of padding, which is never at the beginning of the data: a second one cannot follow; nor that of an object or a call.</exception>
    [MethodImpl(MethodImplOptions.NoInlining)]
    private ulong PassUnusual(ulong at, ulong header)
    {
        var offset = at & _mask;
        var room = _capacity - offset;
        if (Objects is { } objects && header == ObjectHeader && SizeOf(header) <= Math.Min(room, _tail - at))
        {
            // SAFETY: the record is inside the data, which the channel holds. One load: what a peer stores later changes nothing.
            var number = Volatile.Read(ref *(ulong*)(_data + offset + _prefix));
            if (!objects.IsNext(at, number))
            {
                throw Corrupt("the number of an object", Endpoint.DataOffset + (long)(offset + _prefix), $"is {number}, and not the next one");
            }

            if (!objects.IsTaken(number))
            {
                return at;
            }

            _messages++;
            _bytes += ChannelLayout.ObjectRecordSize;
            return at + SizeOf(header);
        }

        if (TakesCalls && IsOfCall(header) && (uint)header <= _most && SizeOf(header) <= Math.Min(room, _tail - at))
        {
            return at;
        }

        return header == (ulong)ChannelLayout.Padding << ChannelLayout.FlagsShift && offset != 0 && room <= _tail - at ? at + room
            : throw Corrupt("a record", Endpoint.DataOffset + (long)offset, $"has the header {header:x16}, and {_tail - at} bytes are before the tail");
    }

    /// <summary>Whether a header has the type of a record of calls, and no flags.</summary>
    private static bool IsOfCall(ulong header) => header >> ChannelLayout.TypeShift is ChannelLayout.CallType or ChannelLayout.CancelType or ChannelLayout.AnswerType;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private ulong SizeOf(ulong header) => (_prefix + (uint)header + _round) & ~_round;

    [MethodImpl(MethodImplOptions.NoInlining)]
    protected void PublishIfRead()
    {
        if (_head != _released)
        {
            Publish();
        }
    }

    private static void ThrowEnded() => throw new InvalidOperationException("The enumeration has ended, or a copy of its enumerator has gone on.");

    /// <summary>Goes on where a former reader ended.</summary>
    /// <exception cref="ChannelCorruptException">The indices contradict each other.</exception>
    protected void TakeOverIndices()
    {
        // The mutex was entered: a former reader has confirmed its end, and stores nothing more.
        // SAFETY: the lines lie in the bytes that the channel holds.
        _head = _released = Volatile.Read(ref *(ulong*)(_line + ChannelLayout.IndexInLine));
        _releaseFrom = _released + _quarter;
        // SAFETY: as above.
        _tail = Volatile.Read(ref *(ulong*)(_writerLine + ChannelLayout.IndexInLine));
        if (_tail > ChannelLayout.MostIndex || (_tail & _round) != 0)
        {
            throw Corrupt("the tail", Endpoint.Place(ChannelLayout.WriterLine), $"is {_tail}");
        }

        if (_head > _tail || _tail - _head > _capacity || (_head & _round) != 0)
        {
            throw Corrupt("the head", Endpoint.Place(ChannelLayout.ReaderLine), $"is {_head}, and the tail {_tail}");
        }

        // SAFETY: as above.
        _messages = Volatile.Read(ref *(long*)(_line + ChannelLayout.MessagesInLine));
        // SAFETY: as above.
        _bytes = Volatile.Read(ref *(long*)(_line + ChannelLayout.BytesInLine));
    }

    protected override bool IsDrained() =>
        // SAFETY: the lines lie in the bytes that the channel holds.
        Volatile.Read(ref *(ulong*)(_line + ChannelLayout.IndexInLine)) == Volatile.Read(ref *(ulong*)(_writerLine + ChannelLayout.IndexInLine));

    /// <summary>Marks what is in the ring now, if there was a former reader.</summary>
    protected void MarkRedelivered() =>
        RedeliveredBefore = Endpoint.HadPredecessor ? _tail : 0;
}
