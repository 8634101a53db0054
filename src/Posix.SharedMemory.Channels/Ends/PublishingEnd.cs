namespace Posix.SharedMemory.Channels;

/// <summary>What the writers have in common that store records one after the other, and publish them by a tail: reservations, batches, and messages that are built in place.</summary>
internal abstract class PublishingEnd(Endpoint endpoint) : WritingEnd(endpoint)
{
    private ulong _reserved;

    internal override bool TryReserve(int length, out int place, out int ticket)
    {
        ticket = Borrow(EndAct.Borrow);
        var isClaimed = false;
        try
        {
            isClaimed = TryClaim(length, out _reserved);
            place = isClaimed ? PlaceOf(_reserved) : 0;
            return isClaimed;
        }
        finally
        {
            if (!isClaimed)
            {
                Return(ticket);
                ticket = 0;
            }
        }
    }

    internal override void Commit(int length, ushort type)
    {
        Store(_reserved, length, type);
        Return(OpenTicket);
    }

    /// <summary>Begins a reservation or batch. What is stored meanwhile is published at its end.</summary>
    internal abstract int Borrow(EndAct act);

    /// <summary>Stores a record, which readers see once it is published.</summary>
    internal abstract bool TryStore(ReadOnlySpan<byte> message, ushort type);

    /// <summary>Finds room for a record in one piece, and pads what is left before the end of the data where it does not fit.</summary>
    /// <param name="length">The payload's.</param>
    /// <param name="at">Where the record begins. What is not stored and published never was.</param>
    internal abstract bool TryClaim(int length, out ulong at);

    /// <summary>Whether a claim is still the place of the next record: nothing was stored since.</summary>
    internal abstract bool IsNext(ulong at);

    /// <summary>Where a claimed record's payload begins in the data.</summary>
    internal abstract int PlaceOf(ulong at);

    /// <summary>The bytes of a claimed record's payload.</summary>
    internal Span<byte> PayloadOf(ulong at, int length) => RoomAt(PlaceOf(at), length);

    /// <summary>Stores the header of a claimed record whose payload stands there.</summary>
    internal abstract void Store(ulong at, int length, ushort type);

    /// <summary>Lets readers see everything that was stored.</summary>
    internal abstract void Publish();
}
