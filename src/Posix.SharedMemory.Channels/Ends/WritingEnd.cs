using System.Buffers;
using System.Diagnostics;
using System.Diagnostics.CodeAnalysis;
using System.Runtime.CompilerServices;

namespace Posix.SharedMemory.Channels;

/// <summary>What the writers of messages have in common: they refuse what the channel does not carry, wait for room, and write what waited for it.</summary>
internal abstract unsafe class WritingEnd : ChannelEnd
{
    private readonly byte* _readerState;
    private readonly uint _most;
    private readonly uint _least;
    private ReadOnlyMemory<byte> _message;
    private ushort _type;
    private bool _hasMessage;

    protected WritingEnd(Endpoint endpoint)
        : base(endpoint)
    {
        _readerState = endpoint.Line(ChannelLayout.ReaderLine) + ChannelLayout.StateInLine;
        _most = (uint)Header.MaxMessage;
        // Elements are all as long as the longest.
        _least = (uint)Header.ElementSize;
        Data = endpoint.Data;
    }

    internal int MaxMessage => (int)_most;

    /// <summary>Gets where the data begins.</summary>
    protected byte* Data { get; }

    /// <summary>Writes a message in one piece from several, if there is room.</summary>
    internal bool TryWrite(in ReadOnlySequence<byte> message, ushort type)
    {
        if (message.Length > _most)
        {
            throw TooLong(message.Length, nameof(message));
        }

        var length = (int)message.Length;
        RequireMessage(length, type);
        if (!TryReserve(length, out var place, out var ticket))
        {
            return false;
        }

        try
        {
            message.CopyTo(RoomAt(place, length));
            Commit(length, type);
            return true;
        }
        finally
        {
            // Also where a segment's memory cannot be read: nothing was sent then.
            Return(ticket);
        }
    }

    /// <summary>Reserves room for one message.</summary>
    internal bool TryReserve(int length, out MessageReservation reservation)
    {
        RequireLength(length);
        var isReserved = TryReserve(length, out var place, out var ticket);
        reservation = isReserved ? new(this, place, length, ticket) : default;
        return isReserved;
    }

    /// <summary>Waits until there is room for a message. No thread waits.</summary>
    internal ValueTask<bool> WaitToWriteAsync(int length, CancellationToken cancellationToken)
    {
        RequireLength(length);
        return WaitAsync(length, cancellationToken);
    }

    /// <summary>Blocks until there is room for a message.</summary>
    internal bool WaitToWrite(int length, TimeSpan timeout)
    {
        RequireLength(length);
        return Wait(length, timeout) == EndLook.Ready;
    }

    /// <summary>Waits for room for a message, and writes it. The caller has tried before.</summary>
    /// <param name="message">The message, which was checked.</param>
    /// <param name="type">Its type.</param>
    /// <param name="timeout"><see langword="null"/>: as long as it takes.</param>
    internal void WaitAndWrite(ReadOnlySpan<byte> message, ushort type, TimeSpan? timeout)
    {
        var start = Stopwatch.GetTimestamp();
        var limit = timeout ?? Timeout.InfiniteTimeSpan;
        while (true)
        {
            var left = limit - Stopwatch.GetElapsedTime(start);
            switch (Wait(message.Length, limit == Timeout.InfiniteTimeSpan ? limit : left < TimeSpan.Zero ? TimeSpan.Zero : left))
            {
                case EndLook.Ended:
                    throw TakesNoMore();
                case EndLook.Pending:
                    throw IsLate(message.Length, timeout);
                default:
                    break;
            }

            if (TryWriteAgain(message, type))
            {
                return;
            }

            if (timeout is not null && left <= TimeSpan.Zero && limit != Timeout.InfiniteTimeSpan)
            {
                // Other writers take the room whenever there is some: what is late is not tried for ever.
                throw IsLate(message.Length, timeout);
            }
        }
    }

    /// <summary>Waits for room for a message, and writes it. The caller has tried before.</summary>
    internal ValueTask WriteAsync(ReadOnlyMemory<byte> message, ushort type, CancellationToken cancellationToken)
    {
        Begin(EndAct.Wait);
        CountWait();
        (_message, _type, _hasMessage) = (message, type, true);
        return new(Pending, Pending.Start(message.Length, cancellationToken));
    }

    /// <summary>Claims room for a message that is written in place.</summary>
    /// <param name="length">The longest that it will be, which was checked.</param>
    /// <param name="place">Where the room begins in the data.</param>
    /// <param name="ticket">Stands for the reservation until it is committed or returned.</param>
    internal abstract bool TryReserve(int length, out int place, out int ticket);

    /// <summary>Sends the message that was written to the room that is reserved.</summary>
    internal abstract void Commit(int length, ushort type);

    /// <summary>Stores a record, which readers see once it is published.</summary>
    internal abstract bool TryStore(ReadOnlySpan<byte> message, ushort type);

    /// <summary>Finds room for a record in one piece, and pads what is left before the end of the data where it does not fit.</summary>
    /// <param name="length">The payload's.</param>
    /// <param name="at">Where the record begins. What is not stored and published never was.</param>
    internal abstract bool TryClaim(int length, out ulong at);

    /// <summary>Whether a claim is still the place of the next record: nothing was stored since.</summary>
    internal abstract bool IsNext(ulong at);

    /// <summary>Stores the header of a claimed record whose payload stands there.</summary>
    internal abstract void Store(ulong at, int length, ushort type);

    /// <summary>The bytes of a claimed record's payload.</summary>
    internal abstract Span<byte> PayloadOf(ulong at, int length);

    /// <summary>Ends a reservation or batch, once: copies of it carry the same ticket.</summary>
    internal abstract void Return(int ticket);

    /// <summary>Ends the channel: readers drain it and then see the end.</summary>
    internal void Complete(int error)
    {
        Begin(EndAct.Completed);
        StoreEnd(error);
        Endpoint.Notify();
    }

    /// <summary>The room that is reserved.</summary>
    internal Span<byte> RoomAt(int place, int length) =>
        // SAFETY: the claim is contiguous and lies in the data, which the channel holds.
        new(Data + place, length);

    internal void RequireLength(int length)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(length);
        if ((uint)length > _most)
        {
            ThrowRefusal(length, 0);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal void RequireMessage(int length, ushort type)
    {
        if (IsRefused(length, type))
        {
            ThrowRefusal(length, type);
        }
    }

    /// <summary>Refuses what cannot be committed to room that was reserved.</summary>
    internal void RequireCommit(int length, int reserved, ushort type)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(length);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(length, reserved);
        RequireMessage(length, type);
    }

    internal static InvalidOperationException TakesNoMore() => new("The reader takes no more messages.");

    internal override void FinishWait()
    {
        (_message, _hasMessage) = (default, false);
        base.FinishWait();
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    protected bool IsRefused(int length, ushort type) => (uint)length - _least > _most - _least || type >= ChannelLayout.FirstReservedType;

    [DoesNotReturn]
    [MethodImpl(MethodImplOptions.NoInlining)]
    protected void ThrowRefusal(int length, ushort type) => throw (
        (uint)length > _most ? TooLong(length, nameof(length))
        : (uint)length < _least ? new ArgumentException($"The message has {length} bytes, and the elements of this channel have {_least}.", nameof(length))
        : new ArgumentOutOfRangeException(nameof(type), type, $"Types from 0x{ChannelLayout.FirstReservedType:X4} are reserved."));

    /// <summary>Stores a message and shows it to the reader, if there is room. The act is the caller's.</summary>
    protected abstract bool TryPut(ReadOnlySpan<byte> message, ushort type);

    protected override bool HasEnded() =>
        // SAFETY: the line lies in the bytes that the channel holds.
        Volatile.Read(ref *(uint*)_readerState) switch
        {
            0 => false,
            1 => true,
            var state => throw Corrupt("the reader's state", Endpoint.Place(ChannelLayout.ReaderLine) + ChannelLayout.StateInLine, $"is {state}"),
        };

    protected override bool TryDeliver() => !_hasMessage || TryPut(_message.Span, _type);

    protected override void RefuseEnd()
    {
        if (_hasMessage)
        {
            throw TakesNoMore();
        }
    }

    private void StoreEnd(int error)
    {
        var line = Endpoint.Line(ChannelLayout.WriterLine);
        KillWindow.Pass(KillWindow.BeforeError);
        // SAFETY: the line lies in the bytes that the channel holds.
        Volatile.Write(ref *(int*)(line + ChannelLayout.ErrorInLine), error);
        KillWindow.Pass(KillWindow.BeforeState);
        // SYNC ring.complete: pairs with ChannelCompletion.State. The state comes after the last tail, and after the error.
        // SAFETY: as above.
        Volatile.Write(ref *(uint*)(line + ChannelLayout.StateInLine), (uint)(error == 0 ? ChannelState.Completed : ChannelState.Aborted));
        KillWindow.Pass(KillWindow.AfterState);
    }

    private bool TryWriteAgain(ReadOnlySpan<byte> message, ushort type)
    {
        Begin(EndAct.Call);
        var isWritten = TryPut(message, type);
        Finish(EndAct.Call);
        return isWritten;
    }

    private static TimeoutException IsLate(int length, TimeSpan? timeout) => new($"The ring had no room for {length} bytes within {timeout}.");

    private ArgumentException TooLong(long length, string name) =>
        new($"The message has {length} bytes, and the longest that this channel carries has {_most}.", name);
}
