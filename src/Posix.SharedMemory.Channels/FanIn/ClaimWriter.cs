namespace Posix.SharedMemory.Channels;

/// <summary>A writing end of a fan-in: opens it, and has the reservation or batch that is open. How lines are claimed and committed is in <see cref="ClaimTail"/>.</summary>
internal sealed unsafe class ClaimWriter : ClaimTail
{
    /// <summary>How many lines a batch claims at once, if the ring is not a small one.</summary>
    private const ulong BatchLines = 32;

    private ulong _position;
    private ulong _claimed;
    private ulong _used;
    private ulong _first;

    private ClaimWriter(Endpoint endpoint)
        : base(endpoint)
    {
    }

    /// <summary>Gets where the next message of a batch begins.</summary>
    private ulong Next => (_position + _used) & ClaimWord.PositionMask;

    /// <summary>Opens a writer.</summary>
    internal static ClaimWriter Open(ChannelMemory channel, EndpointOptions? options)
    {
        var writer = new ClaimWriter(Endpoint.Enter(channel, EndpointRole.Writer, options));
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

    internal override bool TryReserve(int length, out int place, out int ticket)
    {
        ticket = BeginWithTicket(EndAct.Borrow);
        if (TryClaim(ClaimRecord.LinesFor((uint)length), out _position, out _claimed))
        {
            place = PlaceOf(_position);
            return true;
        }

        FinishWithTicket();
        (place, ticket) = (0, 0);
        return false;
    }

    internal override bool TryStore(ReadOnlySpan<byte> message, ushort type)
    {
        if (!TryPlace(message.Length, out var place))
        {
            return false;
        }

        // SAFETY: the room is contiguous and lies in the data, which the channel holds.
        MessageCopy.Copy(message, Data + place);
        Add(message.Length, type);
        return true;
    }

    internal override bool TryClaim(int length, out ulong at)
    {
        var isFree = TryPlace(length, out _);
        at = isFree ? Next : 0;
        return isFree;
    }

    internal override bool IsNext(ulong at) => _claimed != 0 && at == Next;

    internal override Span<byte> PayloadOf(ulong at, int length) => RoomAt(PlaceOf(at), length);

    internal override void Store(ulong at, int length, ushort type) => Add(length, type);

    internal override void Commit(int length, ushort type)
    {
        Commit(_position, _claimed, length, type);
        FinishWithTicket();
    }

    /// <summary>Begins a batch, which claims lines for several messages at once.</summary>
    internal int BeginBatch()
    {
        var ticket = BeginWithTicket(EndAct.Batch);
        (_claimed, _used, _first) = (0, 0, 0);
        return ticket;
    }

    /// <summary>Finds room for one more message of a batch. Nothing is taken of it before <see cref="Add"/>.</summary>
    internal bool TryPlace(int length, out int place)
    {
        var need = ClaimRecord.LinesFor((uint)length);
        if (_used + need > _claimed)
        {
            // One claim at a time: only the last one of a writer can be put down to it.
            CommitBatch();
            if (!TryClaim(Math.Max(need, Math.Min(BatchLines, Lines / 8)), out _position, out _claimed) && !TryClaim(need, out _position, out _claimed))
            {
                (place, _claimed) = (0, 0);
                return false;
            }
        }

        place = PlaceOf(_position + _used);
        return true;
    }

    /// <summary>Whether a place that was found is still that of the next message, with room for it: nothing was added since, through a copy of the batch.</summary>
    internal bool IsNext(int place, int length) => _used + ClaimRecord.LinesFor((uint)length) <= _claimed && place == PlaceOf(_position + _used);

    /// <summary>Adds the message that was written to the room that was found. The reader reaches it once the first one of the claim is committed.</summary>
    internal void Add(int length, ushort type)
    {
        var (at, header) = (_position + _used, HeaderOf(_position + _used, length, type));
        if (_used == 0)
        {
            _first = header;
        }
        else
        {
            // SAFETY: the claim lies in the data, which the channel holds, at a multiple of 64.
            *(ulong*)At(at) = header;
        }

        _used += ClaimRecord.LinesFor((uint)length);
    }

    internal override void Return(int ticket)
    {
        if (IsOpen(ticket))
        {
            if (Act == EndAct.Batch)
            {
                CommitBatch();
            }
            else if (_claimed != 0)
            {
                CommitPadding(_position, _claimed);
                NotifyReader();
            }

            FinishWithTicket();
        }
    }

    /// <summary>Leaves, as <see cref="Dispose"/> does; what is written afterwards is refused as after the completion of any other channel.</summary>
    internal void Leave()
    {
        RefuseIfClosed();
        Dispose();
        Act = EndAct.Left;
    }

    /// <summary>Closes the end. A message that is still being written, and what a batch has not sent, becomes padding.</summary>
    internal override void Dispose()
    {
        _used = 0;
        if (Act is EndAct.Borrow or EndAct.Batch)
        {
            Return(OpenTicket);
        }

        base.Dispose();
    }

    /// <summary>Sends what a batch has in its claim: the first header comes last, and the reader sees all of them or none.</summary>
    private void CommitBatch()
    {
        var (claimed, used) = (_claimed, _used);
        if (claimed == 0)
        {
            return;
        }

        // First: where waking the reader fails, nothing is committed a second time.
        (_claimed, _used) = (0, 0);
        if (used < claimed)
        {
            CommitPadding(_position + used, claimed - used);
        }

        if (used > 0)
        {
            Publish(_position, _first);
        }
        else
        {
            NotifyReader();
        }
    }
}
