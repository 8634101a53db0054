namespace Posix.SharedMemory.Channels;

/// <summary>The readers of a broadcast as its writer sees them: how far the slowest of those is that lose nothing, and what is done about dead ones. The model is tests/models/broadcast.pml.</summary>
/// <param name="places">Their endpoints.</param>
/// <param name="areWaitedFor">Whether they can lose nothing. Those of a split broadcast cannot: what they store says nothing to the writer.</param>
internal sealed class BroadcastReaders(EndpointView[] places, bool areWaitedFor)
{
    private readonly EndpointView[] _waitedFor = areWaitedFor ? places : [];


    /// <summary>Finds where the slowest reader is that holds the writer up.</summary>
    /// <param name="records">Where records can begin.</param>
    /// <param name="tail">The writer's tail: where no reader is slower.</param>
    /// <param name="least">The place.</param>
    /// <returns>Which reader stored what no correct reader stores; <see langword="null"/>: none.</returns>
    internal EndpointView? Scan(in BroadcastRecords records, ulong tail, out ulong least)
    {
        least = tail;
        foreach (var place in _waitedFor)
        {
            var mode = Volatile.Read(ref place.Mode);
            if (mode == EndpointView.LosslessMode)
            {
                // Loaded once: it grows meanwhile.
                var position = Volatile.Read(ref place.Position);
                if (position > tail || !records.IsAligned(position))
                {
                    return place;
                }

                least = Math.Min(least, position);
            }
            else if (mode > EndpointView.EvictedMode)
            {
                return place;
            }
        }

        return null;
    }

    /// <summary>The slowest reader that holds the writer up, as it stands in shared memory: nothing is judged.</summary>
    /// <param name="least">Where it is.</param>
    internal EndpointView? FindSlowest(out ulong least)
    {
        least = ulong.MaxValue;
        EndpointView? slowest = null;
        foreach (var place in _waitedFor)
        {
            if (Volatile.Read(ref place.Mode) == EndpointView.LosslessMode && Volatile.Read(ref place.Position) is var position && position < least)
            {
                (slowest, least) = (place, position);
            }
        }

        return slowest;
    }

    /// <summary>Settles the places whose owners died: the writer waits for them no longer.</summary>
    /// <returns>Whether there was one.</returns>
    /// <exception cref="InvalidDataException">The place or the roster was overwritten.</exception>
    internal bool Settle()
    {
        var hasSettled = false;
        foreach (var place in _waitedFor)
        {
            if (Volatile.Read(ref place.Mode) == EndpointView.LosslessMode && place.LookAndConfirm() == PeerState.Died && place.Mutex.TryEnterUnrepaired(out var hold))
            {
                // SYNC broadcast.settle: pairs with Endpoint.Enter. Only under the mutex: another reader may have taken the place meanwhile.
                using (hold)
                {
                    if (hold.OwnerDied)
                    {
                        Volatile.Write(ref place.Mode, 0);
                        hold.MarkConsistent();
                        hasSettled = true;
                    }
                }
            }
        }

        return hasSettled;
    }

    /// <summary>Waits no longer for a reader that lives.</summary>
    internal bool Evict(int endpoint)
    {
        var place = Array.Find(places, place => place.Index == endpoint) ?? throw new ArgumentOutOfRangeException(nameof(endpoint), endpoint, $"The readers of this broadcast are the endpoints 1 to {places.Length}.");
        // SYNC broadcast.evict: pairs with LosslessReader.RequireMode. A full fence: what is written over afterwards, the reader finds evicted.
        return areWaitedFor && Interlocked.CompareExchange(ref place.Mode, EndpointView.EvictedMode, EndpointView.LosslessMode) == EndpointView.LosslessMode;
    }

    /// <summary>Those that were ever opened, and those that are being opened and hold the writer up already.</summary>
    internal EndpointInfo[] Describe() => EndpointView.DescribeReached(places.Where(place => place.Generation != 0 || Volatile.Read(ref place.Mode) != 0));
}
