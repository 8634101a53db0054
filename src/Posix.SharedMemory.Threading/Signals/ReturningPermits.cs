namespace Posix.SharedMemory.Threading;

/// <summary>Permits that belong to the process that took them, and come back when it dies.</summary>
internal sealed class ReturningPermits : Permits
{
    internal const int TagAt = 16, MaximumAt = 20, TakenAt = 24, HeldAt = 64, HeldSize = 8;

    /// <summary>A sleep names the lives of so many holders; the look of every second finds the others.</summary>
    private const int MostLives = 60;

    private const int SequenceAt = 28;

    /// <summary>An attempt ends after so many holders that ended during it.</summary>
    private const int MostLooks = 100;

    /// <summary>So long a try waits for the inner mutex: it is held for some instructions, or, where permits of the dead come back and the kernel refuses a fence, for ten milliseconds for each of the dead.</summary>
    private const long MostPerTry = Deadline.Second;

    private readonly Seat _seat;
    private readonly HeldBytes _bytes;
    private readonly GuardedState _state;
    private readonly int _maximum;

    internal unsafe ReturningPermits(Roster roster, MemoryMapping mapping, long offset, int maximumCount)
    {
        _seat = roster.SeatForLooks;
        _maximum = maximumCount;
        _bytes = _seat.Hold(mapping, offset, SharedSemaphore.SizeForReturning(roster.Seats));
        // SAFETY: tag and maximum lie in the held bytes, at a multiple of 8; nobody sees one without the other.
        ref var tag = ref *(ulong*)(_bytes.First + TagAt);
        var found = _seat.IsObserver ? Volatile.Read(ref tag) : Interlocked.CompareExchange(ref tag, ((ulong)maximumCount << 32) | LockLayout.ReturningTag, 0);
        if (found != 0 && (uint)found != LockLayout.ReturningTag)
        {
            throw Tags.Unlike("a returning semaphore", (uint)found);
        }

        if (found != 0 && (int)(found >> 32) != maximumCount)
        {
            throw new InvalidDataException($"The semaphore has the maximum {(int)(found >> 32)}, not {maximumCount}.");
        }

        _state = new(_seat, _bytes, Recompute);
    }

    public override News News => _seat.News;

    internal override Kernel Kernel => _seat.Kernel;

    /// <summary>Gets how many are free: what the dead have is, though nobody has taken it back yet.</summary>
    internal override unsafe int Count
    {
        get
        {
            var taken = 0L;
            for (var seat = 1; seat <= _seat.Memory.Seats; seat++)
            {
                // SAFETY: the entry lies in the held bytes.
                var held = Volatile.Read(ref *HeldBy(seat));
                if ((uint)held != 0 && _seat.Memory.IsAlive(Participant.Of(seat, (uint)(held >> 32) & Participant.IncarnationMask)))
                {
                    taken += (uint)held;
                }
            }

            return (int)Math.Max(0, _maximum - taken);
        }
    }

    internal override int Maximum => _maximum;

    private unsafe uint* Taken => (uint*)(_bytes.First + TakenAt);

    private unsafe uint* Sequence => (uint*)(_bytes.First + SequenceAt);

    /// <summary>The maximum of the semaphore that is at a place; 1 if there is none, so that making it fails with what is there.</summary>
    internal static int MaximumOf(MemoryMapping mapping, long offset) => Math.Max(1, (int)Volatile.Read(ref mapping.GetReference<uint>(offset + MaximumAt)));

    public override unsafe WaitOutcome Attempt(ref WaitState state, ref SleepList list)
    {
        // A try waits for the mutex too, not for a permit: "there is none" has to be known. Whoever is stopped inside is not waited for.
        if (state.IsTry)
        {
            _seat.Require();
            if (!_state.TryEnter(new Deadline(Deadline.Now + MostPerTry)))
            {
                return WaitOutcome.Pending;
            }
        }
        else if (!_state.TryEnter(ref state, ref list))
        {
            return WaitOutcome.Pending;
        }

        try
        {
            var before = list.Count;
            for (var looks = 0; looks < MostLooks; looks++)
            {
                // SAFETY: the words lie in the held bytes; the mutex is held.
                if (*Taken >= _maximum)
                {
                    Reclaim();
                }

                // SAFETY: as above.
                if (*Taken < _maximum)
                {
                    Hold(+1);
                    return WaitOutcome.Taken;
                }

                // SAFETY: as above.
                list.Add(Sequence, Volatile.Read(ref *Sequence));
                if (TryAddLives(ref list))
                {
                    return WaitOutcome.Pending;
                }

                list.Truncate(before);
            }

            return list.Retry();
        }
        finally
        {
            _state.Leave();
        }
    }

    public override unsafe WaitOutcome GiveUp(ref WaitState state)
    {
        // SAFETY: an address is handed on; what it points to is held as long as this object is.
        _state.GiveUp(state);
        if (state.HasSlept && Count > 0)
        {
            Kernel.Wake(Sequence, 1);
        }

        return WaitOutcome.Pending;
    }

    public override void BeforeSleep() => _seat.Watch.Start();

    internal override unsafe int Release(int count)
    {
        _seat.Require();
        _state.Enter();
        int before;
        try
        {
            if (count > MyPermits())
            {
                throw new SemaphoreFullException("The process gives back more permits than it has taken.");
            }

            before = Count;
            Hold(-count);
        }
        finally
        {
            _state.Leave();
        }

        // SAFETY: an address is handed on; what it points to is held as long as this object is.
        Kernel.ChangeAndWake(Sequence, WordChange.Add, 1, count);
        return before;
    }

    private unsafe ulong* HeldBy(int seat) => (ulong*)(_bytes.First + HeldAt + (HeldSize * (seat - 1)));

    private unsafe int MyPermits()
    {
        // SAFETY: the entry lies in the held bytes; the mutex is held.
        var held = *HeldBy(_seat.Number);
        return (uint)(held >> 32) == MyIncarnation ? (int)(uint)held : 0;
    }

    private uint MyIncarnation => _seat.Require() & Participant.IncarnationMask;

    private unsafe void Hold(int change)
    {
        // SAFETY: as above. One store: whoever recomputes after a kill sees the permit or does not.
        Volatile.Write(ref *HeldBy(_seat.Number), ((ulong)MyIncarnation << 32) | (uint)(MyPermits() + change));
        // SAFETY: as above.
        Volatile.Write(ref *Taken, (uint)((int)*Taken + change));
    }

    /// <summary>Takes back the permits of those who died or left. The model is tests/models/returning.pml.</summary>
    private unsafe void Reclaim()
    {
        for (var seat = 1; seat <= _seat.Memory.Seats; seat++)
        {
            // SAFETY: as above.
            var held = *HeldBy(seat);
            if ((uint)held == 0)
            {
                continue;
            }

            var participant = Participant.Of(seat, (uint)(held >> 32) & Participant.IncarnationMask);
            if (seat != _seat.Number && !_seat.Memory.IsAlive(participant))
            {
                _seat.Memory.ConfirmEnd(participant.Value);
                _seat.Memory.PassOn(_seat.Memory.Life(seat));
            }

            if (!_seat.Memory.IsAlive(participant))
            {
                // SYNC returning.life: pairs with TryAddLives.
                // SAFETY: as above.
                Volatile.Write(ref *HeldBy(seat), 0);
            }
        }

        Recompute();
    }

    private unsafe void Recompute()
    {
        var taken = 0L;
        for (var seat = 1; seat <= _seat.Memory.Seats; seat++)
        {
            // SAFETY: as above.
            taken += (uint)*HeldBy(seat);
        }

        // SAFETY: as above.
        Volatile.Write(ref *Taken, (uint)Math.Min(taken, _maximum));
    }

    /// <summary>Names the lives of the holders, each with a value that says that it lives. False: one has ended since its permits were counted.</summary>
    private unsafe bool TryAddLives(ref SleepList list)
    {
        var added = 0;
        for (var seat = 1; seat <= _seat.Memory.Seats && added < MostLives; seat++)
        {
            // SAFETY: as above.
            var held = *HeldBy(seat);
            if ((uint)held != 0 && seat != _seat.Number)
            {
                // SYNC returning.life: pairs with Reclaim. A holder that ends after this look changes the value that the sleep names.
                if (!_seat.Memory.IsAlive(Participant.Of(seat, (uint)(held >> 32) & Participant.IncarnationMask).Value, out var life, out var value))
                {
                    return false;
                }

                added++;
                list.AddLife(life, value);
            }
        }

        return true;
    }
}
