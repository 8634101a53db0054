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

    /// <summary>Where a claimed record's payload begins in the data.</summary>
    internal abstract int PlaceOf(ulong at);

    /// <inheritdoc/>
    internal sealed override Span<byte> PayloadOf(ulong at, int length) => RoomAt(PlaceOf(at), length);

    /// <summary>Lets readers see everything that was stored.</summary>
    internal abstract void Publish();
}
