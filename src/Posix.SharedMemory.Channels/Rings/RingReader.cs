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

    /// <summary>Gets the data as memory, for messages that are read asynchronously.</summary>
    internal ChannelBytes Bytes => field ??= new(Endpoint.Channel);

    /// <summary>Gets what completes when the channel has been completed and drained.</summary>
    internal Task Completion
    {
        get
        {
            var task = Ending.Task;
            if (!task.IsCompleted)
            {
                Watch();
                Ending.EndIfDrained();
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

    /// <summary>Borrows the next message until <see cref="Release"/>.</summary>
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

    /// <summary>The payload of a record as memory.</summary>
    internal ReadOnlyMemory<byte> MemoryOf(in RingRecord record) => Bytes.Memory.Slice(PlaceOf(record), record.Length);

    /// <summary>Ends a loan, once: copies of a lease carry the same ticket.</summary>
    internal void Release(int ticket)
    {
        // A message of an enumeration has the ticket 0: it is not a loan of its own.
        if (ticket != 0 && IsOpen(ticket))
        {
            Advance(_borrowed);
            Publish();
            FinishWithTicket();
        }
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
        if (Ending.State == 0)
        {
            return;
        }

        WatchEnding();
        // SYNC ring.ending: pairs with Publish, which passes no fence of its own.
        Interlocked.MemoryBarrierProcessWide();
        Ending.EndIfDrained();
    }

    protected override void OnCorrupt(ChannelCorruptException corruption) => Ending.Fail(corruption);

    protected override bool HasEnded()
    {
        var state = State();
        if (state == ChannelState.Open)
        {
            return false;
        }

        // The state was stored after the last tail.
        if (!Poll(0))
        {
            Ending.EndIfDrained();
            if (state == ChannelState.Aborted)
            {
                throw Ending.Abortion();
            }
        }

        return true;
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

    private ChannelState State()
    {
        var state = Ending.State;
        return state <= (uint)ChannelState.Continued ? (ChannelState)state : throw Corrupt("the writer's state", ChannelLayout.WriterLine + ChannelLayout.StateInLine, $"is {state}");
    }
}
