using System.Runtime.CompilerServices;
using Posix.SharedMemory.Threading;

namespace Posix.SharedMemory.Channels;

/// <summary>The tail of a ring, as its writer keeps it: claims room, stores records, and publishes them. Nothing here waits.</summary>
internal abstract unsafe class RingTail : PublishingEnd
{
    /// <summary>Stands for a place that there is not: an index never comes so far.</summary>
    private const ulong NoRoom = ulong.MaxValue;

    /// <summary>Outside of batches everything that is stored is published.</summary>
    private const ulong All = ulong.MaxValue;

    private readonly byte* _data;
    private readonly byte* _line;
    private readonly byte* _readerLine;
    private readonly ulong _capacity;
    private readonly ulong _mask;
    private readonly ulong _prefix;
    private readonly ulong _round;
    private readonly ulong _overhead;
    private readonly ulong _roundDown;
    private readonly SharedEventCount _readerWakes;
    private ulong _tail;
    private ulong _published = All;
    private ulong _head;
    private ulong _limit;
    private ulong _padded = NoRoom;
    private long _messages;
    private long _bytes;

    protected RingTail(Endpoint endpoint)
        : base(endpoint)
    {
        var header = endpoint.Channel.Header;
        _data = endpoint.Data;
        _line = endpoint.Line(ChannelLayout.WriterLine);
        _readerLine = endpoint.Line(ChannelLayout.ReaderLine);
        _capacity = (ulong)header.Capacity;
        _mask = _capacity - 1;
        _prefix = (ulong)header.Prefix;
        _round = (ulong)header.RecordAlign - 1;
        (_overhead, _roundDown) = (_prefix + _round, ~_round);
        _readerWakes = endpoint.PeerWakes;
    }

    /// <summary>Gets the place of the next record; in a batch, past what is already in it.</summary>
    internal ulong Tail => _tail;

    /// <summary>Gets the line that this side stores.</summary>
    protected byte* Line => _line;

    /// <summary>Gets how many bytes of the ring are free now. Any thread may read it, also while the writer's own is at work: nothing is stored or judged here.</summary>
    internal long Free
    {
        get
        {
            RefuseIfClosed();
            // The head first: the tail only grows.
            // SAFETY: the line lies in the bytes that the channel holds.
            var head = Volatile.Read(ref *(ulong*)(_readerLine + ChannelLayout.IndexInLine));
            var tail = Volatile.Read(ref _tail);
            return (long)(_capacity - Math.Min(_capacity, tail - Math.Min(tail, head)));
        }
    }

    /// <summary>Writes a message, if there is room. Inlined, down to the copy: of a length that the compiler knows, it is a few instructions.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal bool TryWrite(ReadOnlySpan<byte> message, ushort type)
    {
        Begin(EndAct.Call);
        if (IsRefused(message.Length, type))
        {
            Act = EndAct.Idle;
            ThrowRefusal(message.Length, type);
        }

        var (at, need) = (_tail, SizeOf(message.Length));
        if (!IsFree(at, need))
        {
            return TryWriteSlowly(message, type);
        }

        // SAFETY: what is free is inside the data, which the channel holds; prefix and length fit into it.
        var record = _data + (at & _mask);
        MessageCopy.Copy(message, record + _prefix);
        Store(record, message.Length, type, at + need);
        Publish();
        Act = EndAct.Idle;
        return true;
    }

    internal sealed override bool TryStore(ReadOnlySpan<byte> message, ushort type) => TryAdd(message, type);

    /// <summary>Stores a record, which readers see once it is published. Where the ring is known to be one, this is inlined; a virtual method is not.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal bool TryAdd(ReadOnlySpan<byte> message, ushort type)
    {
        var (at, need) = (_tail, SizeOf(message.Length));
        if (!IsFree(at, need))
        {
            return TryStoreSlowly(message, type);
        }

        // SAFETY: what is free is inside the data, which the channel holds; prefix and length fit into it.
        var record = _data + (at & _mask);
        MessageCopy.Copy(message, record + _prefix);
        Store(record, message.Length, type, at + need);
        return true;
    }

    // Nothing is claimed in shared memory.
    internal sealed override bool TryClaim(int length, out ulong at)
    {
        at = _tail;
        var need = SizeOf(length);
        if (!IsFree(at, need))
        {
            at = ClaimSlowly(need);
        }

        return at != NoRoom;
    }

    internal sealed override int PlaceOf(ulong at) => (int)((at & _mask) + _prefix);

    internal sealed override void Store(ulong at, int length, ushort type) =>
        // SAFETY: the claim is inside the data, which the channel holds.
        Store(_data + (at & _mask), length, type, at + SizeOf(length));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal sealed override void Publish()
    {
        var line = _line;
        var tail = _tail;
        KillWindow.Pass(KillWindow.BeforeCounters);
        // SAFETY: the line lies in the bytes that the channel holds.
        (*(long*)(line + ChannelLayout.MessagesInLine), *(long*)(line + ChannelLayout.BytesInLine)) = (_messages, _bytes);
        KillWindow.Pass(KillWindow.BeforeIndex);
        // SYNC ring.publish: pairs with RingHead.LoadTail. A reader that sees the tail sees every record before it.
        // SAFETY: as above.
        Volatile.Write(ref *(ulong*)(line + ChannelLayout.IndexInLine), tail);
        KillWindow.Pass(KillWindow.AfterIndex);
        if (_readerWakes.NotifyAll())
        {
            Endpoint.Ring();
        }
    }

    // Nothing was stored since, or between them is the padding that the claim itself needs.
    internal sealed override bool IsNext(ulong at) => at == _tail || (_tail == _padded && at == _tail + _capacity - (_tail & _mask));

    internal sealed override int Borrow(EndAct act)
    {
        var ticket = BeginWithTicket(act);
        _published = _tail;
        return ticket;
    }

    /// <summary>Ends it, and publishes what was stored.</summary>
    internal override void Return(int ticket)
    {
        if (IsOpen(ticket))
        {
            if (_tail != _published)
            {
                Publish();
            }

            _published = All;
            FinishWithTicket();
        }
    }

    protected override bool TryPut(ReadOnlySpan<byte> message, ushort type)
    {
        var isStored = TryStoreSlowly(message, type);
        if (isStored)
        {
            Publish();
        }

        return isStored;
    }

    protected override bool Poll(int length)
    {
        if (TryFit(length))
        {
            return true;
        }

        LoadHead();
        return TryFit(length);
    }

    /// <summary>Whether a record fits in one piece at the tail, as far as the reader's head is known.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private bool IsFree(ulong at, ulong need) => need <= _capacity - (at & _mask) && at + need <= _limit;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private void Store(byte* record, int length, ushort type, ulong end)
    {
        KillWindow.Pass(KillWindow.BeforeHeader);
        // SAFETY: the header is a part of the claimed record, at a multiple of 8. One store: a reader never sees half of it.
        *(ulong*)record = (uint)length | ((ulong)type << ChannelLayout.TypeShift);
        _tail = end;
        _messages++;
        _bytes += length;
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private bool TryWriteSlowly(ReadOnlySpan<byte> message, ushort type)
    {
        var isStored = TryPut(message, type);
        Act = EndAct.Idle;
        return isStored;
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private bool TryStoreSlowly(ReadOnlySpan<byte> message, ushort type)
    {
        var at = ClaimSlowly(SizeOf(message.Length));
        if (at == NoRoom)
        {
            return false;
        }

        message.CopyTo(PayloadOf(at, message.Length));
        Store(at, message.Length, type);
        return true;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private ulong SizeOf(int length) => (_overhead + (uint)length) & _roundDown;

    private bool TryFit(int length)
    {
        var need = SizeOf(length);
        var room = _capacity - (_tail & _mask);
        return _tail + (need <= room ? need : room + need) - _head <= _capacity;
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private ulong ClaimSlowly(ulong need)
    {
        var at = _tail;
        var room = _capacity - (at & _mask);
        var total = need <= room ? need : room + need;
        if (at + total - _head > _capacity)
        {
            LoadHead();
            if (at + total - _head > _capacity)
            {
                return NoRoom;
            }
        }

        if (need > room)
        {
            // Unseen until the next record is published with it; a claim that is given up leaves it in free room.
            // SAFETY: the header lies in the free rest of the data, which is a multiple of 8.
            *(ulong*)(_data + (at & _mask)) = (ulong)ChannelLayout.Padding << ChannelLayout.FlagsShift;
            _padded = at;
            at += room;
        }

        return at;
    }

    private void LoadHead()
    {
        // SYNC ring.release: pairs with RingHead.Publish. What the reader has released may be overwritten.
        // SAFETY: the line lies in the bytes that the channel holds.
        var head = Volatile.Read(ref *(ulong*)(_readerLine + ChannelLayout.IndexInLine));
        var tail = Math.Min(_tail, _published);
        if (head < _head || head > tail || (head & _round) != 0)
        {
            throw Corrupt("the head", Endpoint.Place(ChannelLayout.ReaderLine), $"went from {_head} to {head}, and the tail is {tail}");
        }

        _head = head;
        _limit = head + _capacity;
    }

    /// <summary>Goes on where a former writer ended.</summary>
    /// <exception cref="ChannelCorruptException">The indices contradict each other.</exception>
    protected void TakeOverIndices()
    {
        // SAFETY: the lines lie in the bytes that the channel holds.
        _head = Volatile.Read(ref *(ulong*)(_readerLine + ChannelLayout.IndexInLine));
        _limit = _head + _capacity;
        // The mutex was entered: a former writer has confirmed its end, and stores nothing more.
        // SAFETY: as above.
        _tail = Volatile.Read(ref *(ulong*)(_line + ChannelLayout.IndexInLine));
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
}
