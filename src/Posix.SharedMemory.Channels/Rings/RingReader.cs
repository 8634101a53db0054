namespace Posix.SharedMemory.Channels;

/// <summary>The reading end of a ring: opens it, lends messages, waits for them, and sees the end. What a message passes is in <see cref="RingHead"/>.</summary>
internal sealed unsafe class RingReader : RingHead
{
    private long _waits;
    private RingRecord _borrowed;
    private int _emptyLooks;

    private RingReader(Endpoint endpoint)
        : base(endpoint)
    {
    }

    /// <summary>Opens the reader.</summary>
    internal static RingReader Open(ChannelMemory channel, EndpointOptions? options, int direction = 0)
    {
        var reader = new RingReader(Endpoint.Enter(channel, EndpointRole.Reader, options, direction));
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
            PayloadOf(record).CopyTo(destination);
            Advance(record);
            Publish();
        }

        Finish(EndAct.Call);
        return fits;
    }

    /// <summary>Borrows the next message until <see cref="LendingEnd.Release"/>.</summary>
    internal bool TryBorrow(out RingRecord record, out int ticket)
    {
        ticket = BeginWithTicket(EndAct.Borrow);
        if (!TryFind(out record))
        {
            FinishWithTicket();
            return false;
        }

        _borrowed = record;
        return true;
    }

    /// <summary>Begins an enumeration, which publishes the head rarely.</summary>
    internal int BeginEnumeration(out ulong head)
    {
        var ticket = BeginWithTicket(EndAct.Batch);
        if (!Poll(0))
        {
            // The writer is the faster for not being looked at all the time.
            SpinBudget.Pause(4 << Math.Min(_emptyLooks++, 2));
        }
        else
        {
            _emptyLooks = 0;
        }

        head = Head;
        return ticket;
    }

    /// <summary>Ends an enumeration.</summary>
    internal void EndEnumeration(int ticket)
    {
        if (IsOpen(ticket))
        {
            PublishIfRead();
            FinishWithTicket();
        }
    }

    /// <summary>Begins a loan of records that are only looked at, by <see cref="RingHead.TryPeek"/>.</summary>
    internal int BeginLoan() => BeginWithTicket(EndAct.Batch);

    /// <summary>Ends it.</summary>
    /// <returns>False: the end was closed meanwhile.</returns>
    internal bool EndLoan(int ticket)
    {
        var isOpen = IsOpen(ticket);
        if (isOpen)
        {
            FinishWithTicket();
        }

        return isOpen;
    }

    /// <summary>Whether the writer has completed the channel, and everything was passed.</summary>
    /// <exception cref="ChannelException">The writer ended it with an error.</exception>
    internal bool HasCompleted()
    {
        Begin(EndAct.Call);
        try
        {
            return HasEnded() && !Poll(0);
        }
        finally
        {
            Finish(EndAct.Call);
        }
    }

    protected override void PassBorrowed()
    {
        Advance(_borrowed);
        Publish();
    }

    protected override void CountWait() =>
        // SAFETY: the line lies in the bytes that the channel holds.
        Volatile.Write(ref *(long*)(Line + ChannelLayout.WaitsInLine), ++_waits);

    private void TakeOver()
    {
        TakeOverIndices();
        // SAFETY: the line lies in the bytes that the channel holds.
        _waits = Volatile.Read(ref *(long*)(Line + ChannelLayout.WaitsInLine));
        Endpoint.Occupy();
        // What stood in the ring may have been seen by the former reader.
        MarkRedelivered();
    }
}
