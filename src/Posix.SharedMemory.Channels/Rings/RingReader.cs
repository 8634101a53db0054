using System.Runtime.CompilerServices;
using Posix.SharedMemory.Threading;

namespace Posix.SharedMemory.Channels;

/// <summary>The reading end of a ring: finds records between head and tail, and releases them by the head. Nothing that stands there is trusted.</summary>
internal sealed unsafe class RingReader : ChannelEnd
{
    private readonly byte* _data;
    private readonly byte* _line;
    private readonly byte* _writerLine;
    private readonly ulong _capacity;
    private readonly ulong _mask;
    private readonly ulong _prefix;
    private readonly ulong _round;
    private readonly ulong _most;
    private readonly SharedEventCount _writerWakes;
    private readonly ChannelCompletion _completion;
    private ulong _head;
    private ulong _released;
    private ulong _tail;
    private ulong _redeliveredBefore;
    private long _messages;
    private long _bytes;
    private long _waits;
    private ulong _next;
    private int _nextLength;
    private int _ticket;
    private int _emptyLooks;
    private volatile bool _isEnding;

    private RingReader(Endpoint endpoint)
        : base(endpoint)
    {
        var header = endpoint.Channel.Header;
        _data = endpoint.Channel.First + header.DataOffset;
        _line = endpoint.Channel.First + ChannelLayout.ReaderLine;
        _writerLine = endpoint.Channel.First + ChannelLayout.WriterLine;
        _capacity = (ulong)header.Capacity;
        _mask = _capacity - 1;
        _prefix = (ulong)header.Prefix;
        _round = (ulong)header.RecordAlign - 1;
        _most = (ulong)header.MaxMessage;
        _writerWakes = endpoint.PeerWakes;
        _completion = new(endpoint.Channel);
    }

    /// <summary>Gets the data as memory, for messages that are read asynchronously.</summary>
    internal ChannelBytes Bytes => field ??= new(Endpoint.Channel);

    /// <summary>Gets the indices between which the waiting records are.</summary>
    internal (ulong Head, ulong Tail) Waiting
    {
        get
        {
            RefuseIfClosed();
            LoadTail();
            return (_head, _tail);
        }
    }

    /// <summary>Gets what completes when the channel has been completed and drained.</summary>
    internal Task Completion
    {
        get
        {
            var task = _completion.Task;
            if (!task.IsCompleted)
            {
                Watch();
                _completion.EndIfDrained();
            }

            return task;
        }
    }

    /// <summary>Opens the reader.</summary>
    internal static RingReader Open(ChannelMemory channel, EndpointOptions? options)
    {
        var reader = new RingReader(Endpoint.Enter(channel, EndpointRole.Reader, options));
        try
        {
            reader.TakeOver();
            return reader;
        }
        catch
        {
            reader.Dispose();
            throw;
        }
    }

    /// <summary>Finds the next record. The act is the caller's.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal bool TryFind(out RingRecord record) => TryFind(ref _head, out record);

    /// <summary>Finds the record at a place, which moves past padding.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal bool TryFind(ref ulong at, out RingRecord record)
    {
        if (at == _tail && !LoadTail())
        {
            record = default;
            return false;
        }

        var offset = at & _mask;
        // SAFETY: head and tail are checked multiples of 8 inside one capacity, so the header is inside the data, which the channel holds. One load: what a peer stores later changes nothing.
        var header = Volatile.Read(ref *(ulong*)(_data + offset));
        var length = (ulong)(uint)header;
        var need = (_prefix + length + _round) & ~_round;
        if (header >> ChannelLayout.FlagsShift != 0 || (ushort)(header >> ChannelLayout.TypeShift) >= ChannelLayout.FirstReservedType
            || length > _most || need > _tail - at || need > _capacity - offset)
        {
            return TryFindPastPadding(ref at, header, out record);
        }

        record = new(_data + offset + _prefix, (int)length, (ushort)(header >> ChannelLayout.TypeShift), at, at + need);
        return true;
    }

    /// <summary>Whether the record may have been seen by an earlier reader.</summary>
    internal bool IsRedelivered(ulong at) => at < _redeliveredBefore;

    /// <summary>Copies the next message; the caller's span may be too short.</summary>
    internal bool TryRead(Span<byte> destination, out int length, out ushort type)
    {
        Begin(EndAct.Call);
        if (!TryFind(out var record))
        {
            Act = EndAct.Idle;
            (length, type) = (0, 0);
            return false;
        }

        (length, type) = (record.Length, record.Type);
        var fits = length <= destination.Length;
        if (fits)
        {
            record.Payload.CopyTo(destination);
            Advance(record.Next, length);
            Publish();
        }

        Finish(EndAct.Call);
        return fits;
    }

    /// <summary>Borrows the next message until <see cref="Release"/>.</summary>
    internal bool TryBorrow(out RingRecord record, out int ticket)
    {
        Begin(EndAct.Borrow);
        if (!TryFind(out record))
        {
            Act = EndAct.Idle;
            ticket = 0;
            return false;
        }

        (_next, _nextLength) = (record.Next, record.Length);
        ticket = ++_ticket;
        return true;
    }

    /// <summary>The payload of a record as memory.</summary>
    internal ReadOnlyMemory<byte> MemoryOf(in RingRecord record) => Bytes.Memory.Slice(record.OffsetFrom(_data), record.Length);

    /// <summary>Ends a loan, once: copies of a lease carry the same ticket.</summary>
    internal void Release(int ticket)
    {
        if (ticket == _ticket && Act == EndAct.Borrow)
        {
            Advance(_next, _nextLength);
            Publish();
            Finish(EndAct.Borrow);
        }
    }

    /// <summary>Begins an enumeration, which publishes the head rarely.</summary>
    internal int BeginEnumeration(out ulong head)
    {
        Begin(EndAct.Batch);
        if (_head == _tail && !LoadTail())
        {
            // The writer is the faster for not being looked at all the time.
            SpinBudget.Pause(4 << Math.Min(_emptyLooks++, 2));
        }
        else
        {
            _emptyLooks = 0;
        }

        head = _head;
        return ++_ticket;
    }

    /// <summary>Goes to the next record of an enumeration. The former one was read; its room is given back from time to time, or at once if the writer sleeps.</summary>
    /// <param name="ticket">The enumeration's.</param>
    /// <param name="head">The enumeration's own copy of the head: it stays in a register, and one that differs from the reader's belongs to a copy that was left behind.</param>
    /// <param name="record">The former record, and then the next.</param>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal bool TryMove(int ticket, ref ulong head, ref RingRecord record)
    {
        if (_head != head || !IsEnumeration(ticket))
        {
            throw new InvalidOperationException("The enumeration has ended, or a copy of its enumerator has gone on.");
        }

        if (_head - _released >= _capacity / 4 || (_head != _released && _writerWakes.HasWaiters))
        {
            Publish();
        }

        if (head == _tail)
        {
            return false;
        }

        TryFind(ref head, out record);
        head = record.Next;
        Advance(head, record.Length);
        return true;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private bool IsEnumeration(int ticket) => _ticket == ticket && Act == EndAct.Batch;

    /// <summary>Ends an enumeration.</summary>
    internal void EndEnumeration(int ticket)
    {
        if (IsEnumeration(ticket))
        {
            if (_head != _released)
            {
                Publish();
            }

            Finish(EndAct.Batch);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal void Advance(ulong next, int length)
    {
        _head = next;
        _messages++;
        _bytes += length;
    }

    /// <summary>Lets the writer have what was read.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal void Publish()
    {
        // SAFETY: the line lies in the bytes that the channel holds.
        *(long*)(_line + ChannelLayout.MessagesInLine) = _messages;
        // SAFETY: as above.
        *(long*)(_line + ChannelLayout.BytesInLine) = _bytes;
        _released = _head;
        // SYNC ring.release: pairs with RingWriter.LoadHead. A writer that sees the head may overwrite what is before it.
        // SAFETY: as above.
        Volatile.Write(ref *(ulong*)(_line + ChannelLayout.IndexInLine), _head);
        _writerWakes.NotifyAll();
        // SYNC ring.ending: pairs with OnChange, which imposes the fence between this look and the store above.
        if (_isEnding)
        {
            _completion.EndIfDrained();
        }
    }

    /// <summary>Waits for a message.</summary>
    internal ValueTask<bool> WaitToReadAsync(CancellationToken cancellationToken)
    {
        if (cancellationToken.IsCancellationRequested)
        {
            return ValueTask.FromCanceled<bool>(cancellationToken);
        }

        Begin(EndAct.Wait);
        if (Poll(0))
        {
            Finish(EndAct.Wait);
            return new(true);
        }

        return WaitAsync(0, cancellationToken);
    }

    internal override void OnChange()
    {
        // A state that cannot be is for the reader to find, on its own thread.
        if (_completion.State == 0)
        {
            return;
        }

        _isEnding = true;
        // SYNC ring.ending: pairs with Publish, which passes no fence of its own.
        Interlocked.MemoryBarrierProcessWide();
        _completion.EndIfDrained();
    }

    protected override void OnCorrupt(ChannelCorruptException corruption) => _completion.Fail(corruption);

    protected override bool Poll(int length) => _head != _tail || LoadTail();

    protected override bool HasEnded()
    {
        var state = State();
        if (state == ChannelState.Open)
        {
            return false;
        }

        // The state was stored after the last tail.
        if (_head == _tail && !LoadTail())
        {
            _completion.EndIfDrained();
            if (state == ChannelState.Aborted)
            {
                throw _completion.Abortion();
            }
        }

        return true;
    }

    protected override void CountWait() =>
        // SAFETY: the line lies in the bytes that the channel holds.
        Volatile.Write(ref *(long*)(_line + ChannelLayout.WaitsInLine), ++_waits);

    private void TakeOver()
    {
        // The mutex was entered: a former reader has confirmed its end, and stores nothing more.
        // SAFETY: the lines lie in the bytes that the channel holds.
        _head = _released = Volatile.Read(ref *(ulong*)(_line + ChannelLayout.IndexInLine));
        // SAFETY: as above.
        _tail = Volatile.Read(ref *(ulong*)(_writerLine + ChannelLayout.IndexInLine));
        if (_tail > ChannelLayout.MostIndex || (_tail & _round) != 0)
        {
            throw Corrupt("the tail", ChannelLayout.WriterLine, $"is {_tail}");
        }

        if (_head > _tail || _tail - _head > _capacity || (_head & _round) != 0)
        {
            throw Corrupt("the head", ChannelLayout.ReaderLine, $"is {_head}, and the tail {_tail}");
        }

        // SAFETY: as above.
        _messages = Volatile.Read(ref *(long*)(_line + ChannelLayout.MessagesInLine));
        // SAFETY: as above.
        _bytes = Volatile.Read(ref *(long*)(_line + ChannelLayout.BytesInLine));
        // SAFETY: as above.
        _waits = Volatile.Read(ref *(long*)(_line + ChannelLayout.WaitsInLine));
        Endpoint.Occupy();
        // What stood in the ring may have been seen by the former reader.
        _redeliveredBefore = Endpoint.HadPredecessor ? _tail : 0;
    }

    private bool LoadTail()
    {
        // SYNC ring.publish: pairs with RingWriter.Publish. Every record before the tail is complete.
        // SAFETY: the line lies in the bytes that the channel holds.
        var tail = Volatile.Read(ref *(ulong*)(_writerLine + ChannelLayout.IndexInLine));
        if (tail == _tail)
        {
            return _head != tail;
        }

        if (tail < _tail || tail - _head > _capacity || (tail & _round) != 0)
        {
            throw Corrupt("the tail", ChannelLayout.WriterLine, $"went from {_tail} to {tail}, and the head is {_head}");
        }

        _tail = tail;
        return _head != tail;
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private bool TryFindPastPadding(ref ulong at, ulong header, out RingRecord record)
    {
        var offset = at & _mask;
        var room = _capacity - offset;
        if (header != (ulong)ChannelLayout.Padding << ChannelLayout.FlagsShift || offset == 0 || room > _tail - at)
        {
            throw Corrupt("a record", Header.DataOffset + (long)offset, $"has the header {header:x16}, and {_tail - at} bytes are before the tail");
        }

        at += room;
        // A second padding would be at the beginning of the data, where none can be.
        return TryFind(ref at, out record);
    }

    private ChannelState State()
    {
        var state = _completion.State;
        return state <= (uint)ChannelState.Continued ? (ChannelState)state : throw Corrupt("the writer's state", ChannelLayout.WriterLine + ChannelLayout.StateInLine, $"is {state}");
    }
}
