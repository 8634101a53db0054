namespace Posix.SharedMemory.Channels;

/// <summary>A reader of a broadcast that the writer does not wait for: copies a message, and looks whether it was written over meanwhile. The model is tests/models/broadcast.pml.</summary>
internal sealed class LossyReader(Endpoint endpoint) : BroadcastReading(endpoint)
{
    /// <summary>How many of the last records a reader that was overrun looks at.</summary>
    private const ulong MostRecords = 1024;

    private byte[] _copy = [];
    private ulong _sizeOfLast;

    internal override bool TryRead(Span<byte> destination, out BroadcastMessage info)
    {
        Begin(EndAct.Call);
        try
        {
            return TryCopy(destination, out info);
        }
        finally
        {
            Finish(EndAct.Call);
        }
    }

    internal override bool TryBorrow(out RingRecord record, out int ticket)
    {
        RefuseIfClosed();
        throw new NotSupportedException("The writer may write over a message while a reader that may lose some uses it: read a copy, or open the reader with BroadcastDelivery.Lossless.");
    }

    internal override bool TryTake(out ReadOnlyMemory<byte> message, out int ticket)
    {
        ticket = 0;
        BroadcastMessage info;
        while (!TryRead(_copy, out info))
        {
            if (info.Length <= _copy.Length)
            {
                message = default;
                return false;
            }

            _copy = new byte[Math.Min(Header.MaxMessage, Math.Max(info.Length, 2 * _copy.Length))];
        }

        message = _copy.AsMemory(0, info.Length);
        return true;
    }

    protected override void PassBorrowed()
    {
    }

    protected override void Join(BroadcastStart start)
    {
        if (Endpoint.TakesPart)
        {
            Volatile.Write(ref Endpoint.Own.Mode, 0);
            Volatile.Write(ref Endpoint.Own.Missed, 0);
        }

        // Each attempt wants less of the history: a busy writer writes over the oldest of it while this looks.
        var quarters = 4UL;
        while (quarters >= 2 && !TryBegin((ulong)start.Count, quarters * (Records.Capacity / 4)))
        {
            quarters--;
        }

        if (quarters < 2)
        {
            // Not even the newest record is whole: the writer has claimed room over it.
            GoToTail();
        }

        if (Endpoint.TakesPart)
        {
            ShowPosition();
            Volatile.Write(ref Endpoint.Own.Mode, EndpointView.LossyMode);
            Endpoint.Occupy();
        }
    }

    protected override void ShowPosition()
    {
        if (Endpoint.TakesPart)
        {
            Volatile.Write(ref Endpoint.Own.Position, Position);
        }

        EndIfEnding();
    }

    /// <summary>Finds the place to begin, and the number of the record there or of the next one: what is missed from then on is known exactly.</summary>
    /// <param name="wanted">How many of the last records are wanted.</param>
    /// <param name="reach">How many bytes before the intent the place may be, unless it is the newest record's.</param>
    /// <returns>False: the record was written over meanwhile.</returns>
    private bool TryBegin(ulong wanted, ulong reach)
    {
        var next = Volatile.Read(ref Records.NextSequence);
        if (next == 0)
        {
            Expected = 0;
            return true;
        }

        var latest = Volatile.Read(ref Records.Latest);
        var intent = Volatile.Read(ref Records.Intent);
        var at = Math.Min(Records.FindLast(wanted, intent - Math.Min(intent, reach)), latest);
        LoadTail();
        if (at >= Tail || !Records.IsAligned(at))
        {
            throw Corrupt("the latest position or the history", ChannelLayout.LatestAt, $"is {at}, and the tail is {Tail}");
        }

        if (!TryGoTo(at))
        {
            return false;
        }

        if (wanted == 0 || Header.Count == 0)
        {
            // After the newest record. Its header was whole when it was copied; it may be written over by now.
            (Position, Expected) = (at + _sizeOfLast, Expected + 1);
        }

        return true;
    }

    protected override bool TryGoTo(ulong place)
    {
        var header = Records.HeaderAt(place);
        var isRecord = Records.IsRecord(place, header, Tail);
        var sequence = isRecord ? Records.SequenceAt(place) : 0;
        if (!IsWhole(place))
        {
            return false;
        }

        if (!isRecord)
        {
            throw Nonsense(place, header);
        }

        RequireNumber(place, sequence);
        (Position, Expected, _sizeOfLast) = (place, sequence, Records.SizeOf(header));
        return true;
    }

    private bool TryCopy(Span<byte> destination, out BroadcastMessage info)
    {
        for (var attempt = 0; attempt < MostAttempts; attempt++)
        {
            if (Position == Tail && !LoadTail())
            {
                break;
            }

            var at = Position;
            if (Tail - at > Records.Capacity)
            {
                Skip();
                continue;
            }

            var header = Records.HeaderAt(at);
            var isRecord = Records.IsRecord(at, header, Tail);
            var sequence = isRecord ? Records.SequenceAt(at) : 0;
            var fits = isRecord && RingRecord.LengthOf(header) <= destination.Length;
            if (fits)
            {
                // It may be torn.
                PayloadOf(at, header).CopyTo(destination);
            }

            if (!IsWhole(at))
            {
                Skip();
            }
            else if (isRecord)
            {
                info = Describe(at, header, sequence, mayMiss: true);
                if (fits)
                {
                    Pass(at + Records.SizeOf(header), sequence, info.Missed);
                }

                return fits;
            }
            else
            {
                Position = Records.IsPadding(at, header, Tail) ? at + Records.RoomAt(at) : throw Nonsense(at, header);
            }
        }

        info = default;
        return false;
    }

    private void Pass(ulong position, ulong sequence, long missed)
    {
        (Position, Expected) = (position, sequence + 1);
        if (missed != 0)
        {
            Missed += missed;
            if (Endpoint.TakesPart)
            {
                Volatile.Write(ref Endpoint.Own.Missed, (ulong)Missed);
            }
        }

        ShowPosition();
    }

    /// <summary>Whether what was copied from a place was still the record that was published there.</summary>
    private bool IsWhole(ulong at)
    {
        // SYNC broadcast.intent: pairs with BroadcastTail.TryClaim. If a byte that was copied belongs to a newer record, the intent is more than a capacity past this one.
        Volatile.ReadBarrier();
        var intent = Volatile.Read(ref Records.Intent);
        return intent >= Tail ? intent - at <= Records.Capacity : throw Corrupt("the intent", ChannelLayout.IntentAt, $"is {intent}, and the tail is {Tail}");
    }

    /// <summary>Goes to the newer half of the ring, as far as the history knows it; otherwise to the newest record, or past it.</summary>
    private void Skip()
    {
        LoadTail();
        var intent = Volatile.Read(ref Records.Intent);
        var half = intent - Math.Min(intent, Records.Capacity / 2);
        var latest = Volatile.Read(ref Records.Latest);
        var place = Math.Min(Records.FindLast(MostRecords, half), latest);
        // It overtakes the tail that was loaded, or makes no sense: past all that is known.
        Position = place > Position && place < Tail && Records.IsAligned(place) ? place : Tail;
        // There may be nothing more to read: then the end of the channel is reached here.
        ShowPosition();
    }
}
