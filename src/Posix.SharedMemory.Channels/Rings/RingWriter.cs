using System.Runtime.CompilerServices;
using Posix.SharedMemory.Threading;

namespace Posix.SharedMemory.Channels;

/// <summary>The writing end of a ring: claims room, stores records, and publishes them by the tail.</summary>
internal sealed unsafe class RingWriter : ChannelEnd
{
    private readonly byte* _data;
    private readonly byte* _line;
    private readonly byte* _readerLine;
    private readonly ulong _capacity;
    private readonly ulong _mask;
    private readonly ulong _prefix;
    private readonly ulong _round;
    private readonly uint _most;
    private readonly SharedEventCount _readerWakes;
    private ulong _tail;
    private ulong _published;
    private ulong _head;
    private long _messages;
    private long _bytes;
    private long _waits;
    private int _ticket;
    private ReadOnlyMemory<byte> _message;
    private ushort _type;
    private bool _hasMessage;

    private RingWriter(Endpoint endpoint)
        : base(endpoint)
    {
        var header = endpoint.Channel.Header;
        _data = endpoint.Channel.First + header.DataOffset;
        _line = endpoint.Channel.First + ChannelLayout.WriterLine;
        _readerLine = endpoint.Channel.First + ChannelLayout.ReaderLine;
        _capacity = (ulong)header.Capacity;
        _mask = _capacity - 1;
        _prefix = (ulong)header.Prefix;
        _round = (ulong)header.RecordAlign - 1;
        _most = (uint)header.MaxMessage;
        _readerWakes = endpoint.PeerWakes;
    }

    /// <summary>Gets the place of the next record; in a batch, past what is already in it.</summary>
    internal ulong Tail => _tail;

    internal int MaxMessage => (int)_most;

    /// <summary>Gets how many bytes of the ring are free now.</summary>
    internal long Free
    {
        get
        {
            RefuseIfClosed();
            LoadHead();
            return (long)(_capacity - (_tail - _head));
        }
    }

    /// <summary>Opens the writer.</summary>
    internal static RingWriter Open(ChannelMemory channel, EndpointOptions? options)
    {
        var writer = new RingWriter(Endpoint.Enter(channel, EndpointRole.Writer, options));
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
        if ((uint)message.Length > _most || type >= ChannelLayout.FirstReservedType)
        {
            Act = EndAct.Idle;
            throw Refuse(message.Length, type);
        }

        var isWritten = TryStore(message, type);
        if (isWritten)
        {
            Publish();
        }

        Act = EndAct.Idle;
        return isWritten;
    }

    /// <summary>Stores a record, which the reader sees once it is published.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal bool TryStore(ReadOnlySpan<byte> message, ushort type)
    {
        if (!TryClaim(message.Length, out var at))
        {
            return false;
        }

        // SAFETY: TryClaim found prefix and length free, inside the data, which the channel holds.
        message.CopyTo(new(_data + (at & _mask) + _prefix, message.Length));
        Store(at, message.Length, type);
        return true;
    }

    /// <summary>Finds room for a record in one piece, and pads what is left before the end of the data where it does not fit.</summary>
    /// <param name="length">The payload's.</param>
    /// <param name="at">Where the record begins. Nothing is claimed in shared memory: what is not stored and published never was.</param>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal bool TryClaim(int length, out ulong at)
    {
        at = _tail;
        var need = (_prefix + (uint)length + _round) & ~_round;
        var room = _capacity - (at & _mask);
        return (need <= room && at + need - _head <= _capacity) || TryClaimSlowly(need, ref at);
    }

    /// <summary>Where a claimed record's payload begins in the data.</summary>
    internal int PlaceOf(ulong at) => (int)((at & _mask) + _prefix);

    /// <summary>The bytes of a claimed record's payload.</summary>
    internal Span<byte> PayloadOf(ulong at, int length) =>
        // SAFETY: the caller's claim found them free, inside the data, which the channel holds.
        new(_data + (at & _mask) + _prefix, length);

    /// <summary>Stores the header of a claimed record whose payload stands there.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal void Store(ulong at, int length, ushort type)
    {
        // SAFETY: the header is a part of the claimed record, at a multiple of 8. One store: a reader never sees half of it.
        *(ulong*)(_data + (at & _mask)) = (uint)length | ((ulong)type << ChannelLayout.TypeShift);
        _tail = at + ((_prefix + (uint)length + _round) & ~_round);
        _messages++;
        _bytes += length;
    }

    /// <summary>Lets the reader see everything that was stored.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal void Publish()
    {
        // SAFETY: the line lies in the bytes that the channel holds.
        *(long*)(_line + ChannelLayout.MessagesInLine) = _messages;
        // SAFETY: as above.
        *(long*)(_line + ChannelLayout.BytesInLine) = _bytes;
        _published = _tail;
        // SYNC ring.publish: pairs with RingReader.LoadTail. A reader that sees the tail sees every record before it.
        // SAFETY: as above.
        Volatile.Write(ref *(ulong*)(_line + ChannelLayout.IndexInLine), _tail);
        _readerWakes.NotifyAll();
    }

    /// <summary>Whether a claim is still the place of the next record: nothing was stored since, but padding that the claim itself needs.</summary>
    internal bool IsNext(ulong at) => at == _tail || ((at & _mask) == 0 && at - _tail < _capacity);

    /// <summary>Begins something that is ended by a ticket, so that a copy of a struct cannot end it twice.</summary>
    internal int Borrow(EndAct act)
    {
        Begin(act);
        return ++_ticket;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal bool IsBorrowed(EndAct act, int ticket) => _ticket == ticket && Act == act;

    /// <summary>Ends it, and publishes what was stored.</summary>
    internal void Return(EndAct act, int ticket)
    {
        if (IsBorrowed(act, ticket))
        {
            if (_tail != _published)
            {
                Publish();
            }

            Act = EndAct.Idle;
        }
    }

    /// <summary>Waits for room for a message.</summary>
    internal ValueTask<bool> WaitToWriteAsync(int length, CancellationToken cancellationToken)
    {
        if (cancellationToken.IsCancellationRequested)
        {
            return ValueTask.FromCanceled<bool>(cancellationToken);
        }

        Begin(EndAct.Wait);
        try
        {
            RequireLength(length);
            if (Poll(length))
            {
                Finish(EndAct.Wait);
                return new(true);
            }
        }
        catch
        {
            Finish(EndAct.Wait);
            throw;
        }

        return WaitAsync(length, cancellationToken);
    }

    /// <summary>Waits for room for a message, and writes it.</summary>
    internal ValueTask WriteAsync(ReadOnlyMemory<byte> message, ushort type, CancellationToken cancellationToken)
    {
        RequireMessage(message.Length, type);
        Begin(EndAct.Wait);
        CountWait();
        (_message, _type, _hasMessage) = (message, type, true);
        return new(Pending, Pending.Start(message.Length, cancellationToken));
    }

    /// <summary>Ends the channel: the reader drains it and then sees the end.</summary>
    internal void Complete(int error)
    {
        Begin(EndAct.Completed);
        // SAFETY: the line lies in the bytes that the channel holds.
        Volatile.Write(ref *(int*)(_line + ChannelLayout.ErrorInLine), error);
        // SYNC ring.complete: pairs with RingReader.State. The state comes after the last tail, and after the error.
        // SAFETY: as above.
        Volatile.Write(ref *(uint*)(_line + ChannelLayout.StateInLine), (uint)(error == 0 ? ChannelState.Completed : ChannelState.Aborted));
        Endpoint.Notify();
    }

    internal void RequireLength(int length)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(length);
        if ((uint)length > _most)
        {
            throw Refuse(length, 0);
        }
    }

    internal void RequireMessage(int length, ushort type)
    {
        if ((uint)length > _most || type >= ChannelLayout.FirstReservedType)
        {
            throw Refuse(length, type);
        }
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

    protected override bool HasEnded()
    {
        // SAFETY: the line lies in the bytes that the channel holds.
        return Volatile.Read(ref *(uint*)(_readerLine + ChannelLayout.StateInLine)) switch
        {
            0 => false,
            1 => true,
            var state => throw Corrupt("the reader's state", ChannelLayout.ReaderLine + ChannelLayout.StateInLine, $"is {state}"),
        };
    }

    protected override void CountWait() =>
        // SAFETY: as above.
        Volatile.Write(ref *(long*)(_line + ChannelLayout.WaitsInLine), ++_waits);

    protected override bool TryDeliver()
    {
        if (!_hasMessage)
        {
            return true;
        }

        if (!TryStore(_message.Span, _type))
        {
            return false;
        }

        Publish();
        return true;
    }

    protected override void RefuseEnd()
    {
        if (_hasMessage)
        {
            throw MessageWriter.TakesNoMore();
        }
    }

    internal override void FinishWait()
    {
        (_message, _hasMessage) = (default, false);
        base.FinishWait();
    }

    private void TakeOver()
    {
        // SAFETY: the lines lie in the bytes that the channel holds.
        var state = Volatile.Read(ref *(uint*)(_line + ChannelLayout.StateInLine));
        if (state != 0)
        {
            throw new InvalidOperationException($"{Endpoint.Channel.Subject} was completed by an earlier writer: nothing more can be written to it.");
        }

        // SAFETY: as above.
        _head = Volatile.Read(ref *(ulong*)(_readerLine + ChannelLayout.IndexInLine));
        // The mutex was entered: a former writer has confirmed its end, and stores nothing more.
        // SAFETY: as above.
        _tail = _published = Volatile.Read(ref *(ulong*)(_line + ChannelLayout.IndexInLine));
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
    }

    private bool TryFit(int length)
    {
        var need = (_prefix + (uint)length + _round) & ~_round;
        var room = _capacity - (_tail & _mask);
        return _tail + (need <= room ? need : room + need) - _head <= _capacity;
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private bool TryClaimSlowly(ulong need, ref ulong at)
    {
        var room = _capacity - (at & _mask);
        var total = need <= room ? need : room + need;
        if (at + total - _head > _capacity)
        {
            LoadHead();
            if (at + total - _head > _capacity)
            {
                return false;
            }
        }

        if (need > room)
        {
            // Unseen until the next record is published with it; a claim that is given up leaves it in free room.
            // SAFETY: the header lies in the free rest of the data, which is a multiple of 8.
            *(ulong*)(_data + (at & _mask)) = (ulong)ChannelLayout.Padding << ChannelLayout.FlagsShift;
            at += room;
        }

        return true;
    }

    private void LoadHead()
    {
        // SYNC ring.release: pairs with RingReader.Publish. What the reader has released may be overwritten.
        // SAFETY: the line lies in the bytes that the channel holds.
        var head = Volatile.Read(ref *(ulong*)(_readerLine + ChannelLayout.IndexInLine));
        if (head < _head || head > _published || (head & _round) != 0)
        {
            throw Corrupt("the head", ChannelLayout.ReaderLine, $"went from {_head} to {head}, and the tail is {_published}");
        }

        _head = head;
    }

    private Exception Refuse(int length, ushort type) => (uint)length > _most
        ? new ArgumentException($"The message has {length} bytes, and the longest that this channel carries has {_most}.", nameof(length))
        : new ArgumentOutOfRangeException(nameof(type), type, $"Types from 0x{ChannelLayout.FirstReservedType:X4} are reserved.");
}
