namespace Posix.SharedMemory.Threading;

/// <summary>The words of a barrier: places, arrivals, phases. What changes them is called under the barrier's own mutex.</summary>
internal sealed class BarrierWords
{
    private const int TagAt = 16, PhaseAt = 24, LostAt = 28, ArrivedAt = 32, HistoryAt = 40, PendingAt = 48, NextHistoryAt = 56, MembersAt = 64;
    internal const int MostParticipants = 63;

    /// <summary>The place of a member that died.</summary>
    private const uint Lost = 1;

    /// <summary>The place of a member that died before it arrived, in a phase that is still to be broken.</summary>
    private const uint Missed = 2;

    private readonly Seat _seat;
    private readonly HeldBytes _bytes;
    private readonly int _participants;

    /// <summary>Makes a barrier of zeroed bytes, or finds the one that is there.</summary>
    /// <exception cref="InvalidDataException">The bytes are something else, or a barrier for another number.</exception>
    internal unsafe BarrierWords(Seat seat, HeldBytes bytes, int participants)
    {
        _seat = seat;
        _bytes = bytes;
        _participants = participants;
        // SAFETY: tag and number lie in the held bytes, at a multiple of 8; nobody sees one without the other.
        var found = Interlocked.CompareExchange(ref *(ulong*)(bytes.First + TagAt), ((ulong)participants << 32) | LockLayout.BarrierTag, 0);
        if (found != 0 && (uint)found != LockLayout.BarrierTag)
        {
            throw Tags.Unlike("a barrier", (uint)found);
        }

        if (found != 0 && (int)(found >> 32) != participants)
        {
            throw new InvalidDataException($"The barrier is for {(int)(found >> 32)} participants, not {participants}.");
        }
    }

    /// <summary>Gets the number of the phase, which waiters sleep on.</summary>
    internal uint Phase => Word(PhaseAt);

    internal static int SizeFor(int participants) => (MembersAt + (sizeof(uint) * participants) + 63) & ~63;

    /// <summary>Whether this process has a place, or one is free: it can arrive before the dead have given up theirs.</summary>
    internal bool HasPlace()
    {
        var me = _seat.Require();
        for (var place = 0; place < _participants; place++)
        {
            if (MemberAt(place) is var member && (member == me || member is 0 or Lost))
            {
                return true;
            }
        }

        return false;
    }

    /// <summary>Takes this process's place, or a free one, and notes that it has arrived.</summary>
    /// <exception cref="InvalidOperationException">All places are taken by living members, or this process has arrived already.</exception>
    internal void Arrive()
    {
        var me = _seat.Require();
        var place = -1;
        for (var i = 0; i < _participants; i++)
        {
            if (MemberAt(i) == me)
            {
                place = i;
                break;
            }

            // A place that nobody has had yet comes before one of a dead member.
            if (MemberAt(i) == 0 && (place < 0 || MemberAt(place) == Lost) || (MemberAt(i) == Lost && place < 0))
            {
                place = i;
            }
        }

        if (place < 0)
        {
            throw new InvalidOperationException($"All {_participants} places of the barrier are taken by living members.");
        }

        if ((Wide(ArrivedAt) & (1ul << place)) != 0)
        {
            throw new InvalidOperationException("This process has arrived already: a process arrives once in a phase.");
        }

        Volatile.Write(ref MemberAt(place), me);
        Volatile.Write(ref Wide(ArrivedAt), Wide(ArrivedAt) | (1ul << place));
        CountLost();
    }

    /// <summary>Gives up the places of dead members. The model is tests/models/barrier.pml.</summary>
    /// <returns>Whether one of them had not arrived.</returns>
    internal bool Sweep()
    {
        var broken = false;
        for (var place = 0; place < _participants; place++)
        {
            var member = MemberAt(place);
            if (member is Missed)
            {
                broken = true;
                continue;
            }

            if (member is 0 or Lost || _seat.Memory.IsAlive(new Participant(member)))
            {
                continue;
            }

            if (new Participant(member).Seat <= _seat.Memory.Seats && (member & Participant.Mark) != 0)
            {
                Confirm(member);
            }

            var bit = 1ul << place;
            var hasMissed = (Wide(ArrivedAt) & bit) == 0;
            broken |= hasMissed;
            // SYNC barrier.missed: pairs with Complete. Whoever takes over from this process still knows that the phase is to be broken.
            Volatile.Write(ref MemberAt(place), hasMissed ? Missed : Lost);
            Volatile.Write(ref Wide(ArrivedAt), Wide(ArrivedAt) & ~bit);
        }

        CountLost();
        return broken;
    }

    private unsafe void Confirm(uint member)
    {
        _seat.Memory.ConfirmEnd(member);
        // SAFETY: an address is handed on; the seat lies in the roster's held bytes.
        _seat.Memory.PassOn(_seat.Memory.Life(new Participant(member).Seat));
    }

    /// <summary>Whether every living member has arrived, and no place is free.</summary>
    internal bool IsComplete()
    {
        ulong living = 0;
        for (var place = 0; place < _participants; place++)
        {
            switch (MemberAt(place))
            {
                case 0:
                    return false;
                case Lost or Missed:
                    break;
                default:
                    living |= 1ul << place;
                    break;
            }
        }

        return living != 0 && (Wide(ArrivedAt) & living) == living;
    }

    /// <summary>Begins the next phase. What is to become is noted before the first step, so that whoever finds this process dead completes it.</summary>
    internal void Advance(bool broken)
    {
        Volatile.Write(ref Wide(NextHistoryAt), (Wide(HistoryAt) << 1) | (broken ? 1u : 0));
        Volatile.Write(ref Wide(PendingAt), (1ul << 32) | (Word(PhaseAt) + 1));
        Complete();
    }

    /// <summary>Completes a phase that a process has begun and not completed: it died, or its wake-up was refused.</summary>
    internal void CompletePending()
    {
        if (Wide(PendingAt) != 0)
        {
            Complete();
        }
    }

    private unsafe void Complete()
    {
        // SYNC barrier.pending: pairs with Advance. Every step can be done again.
        Volatile.Write(ref Wide(HistoryAt), Wide(NextHistoryAt));
        Volatile.Write(ref Wide(ArrivedAt), 0);
        for (var place = 0; place < _participants; place++)
        {
            if (MemberAt(place) == Missed)
            {
                Volatile.Write(ref MemberAt(place), Lost);
            }
        }

        if (Word(PhaseAt) != (uint)Wide(PendingAt))
        {
            // SAFETY: an address is handed on; the word lies in the held bytes.
            _seat.Kernel.ChangeAndWake((uint*)(_bytes.First + PhaseAt), WordChange.Add, 1, int.MaxValue);
        }

        Volatile.Write(ref Wide(PendingAt), 0);
    }

    /// <summary>After a death inside: makes the words agree again.</summary>
    internal void Recompute()
    {
        CompletePending();
        // Bits of places that a dead process was giving up.
        for (var place = 0; place < _participants; place++)
        {
            if (MemberAt(place) is 0 or Lost or Missed)
            {
                Volatile.Write(ref Wide(ArrivedAt), Wide(ArrivedAt) & ~(1ul << place));
            }
        }

        CountLost();
    }

    private void CountLost()
    {
        var lost = 0u;
        for (var place = 0; place < _participants; place++)
        {
            lost += MemberAt(place) is Lost or Missed ? 1u : 0;
        }

        Volatile.Write(ref Word(LostAt), lost);
    }

    /// <summary>Names the phase and the lives of the other members, each with a value that says that it lives. False, and nothing named: one has ended since it was looked at.</summary>
    internal unsafe bool TryAddWords(ref SleepList list)
    {
        var before = list.Count;
        // SAFETY: addresses are handed on; the words lie in held bytes.
        list.Add((uint*)(_bytes.First + PhaseAt), Word(PhaseAt));
        for (var place = 0; place < _participants; place++)
        {
            var member = new Participant(MemberAt(place));
            if (member.Value != _seat.Me && (member.Value & Participant.Mark) != 0 && member.Seat <= _seat.Memory.Seats)
            {
                // SYNC barrier.life: pairs with Sweep. A member that ends after this look changes the value that the sleep names.
                if (!_seat.Memory.IsAlive(member.Value, out var life, out var value))
                {
                    list.Truncate(before);
                    return false;
                }

                // SAFETY: as above.
                list.AddLife(life, value);
            }
        }

        return true;
    }

    /// <summary>Whether a phase that has ended was broken; one that nobody remembers counts as broken.</summary>
    internal bool WasBroken(uint phase)
    {
        var since = Word(PhaseAt) - phase;
        return since is 0 or > 64 || (Wide(HistoryAt) & (1ul << (int)(since - 1))) != 0;
    }

    /// <summary>Takes an arrival back, unless its phase has ended.</summary>
    internal WaitOutcome Withdraw(ref WaitState state)
    {
        CompletePending();
        if (Word(PhaseAt) != state.Key)
        {
            // The phase ended before the wait did.
            state.Dead = WasBroken(state.Key) ? (uint)BarrierResult.Broken : state.Dead;
            return WaitOutcome.Taken;
        }

        for (var place = 0; place < _participants; place++)
        {
            if (MemberAt(place) == _seat.Me)
            {
                Volatile.Write(ref Wide(ArrivedAt), Wide(ArrivedAt) & ~(1ul << place));
            }
        }

        return WaitOutcome.Pending;
    }

    private unsafe ref uint Word(int at) =>
        // SAFETY: all words lie in the held bytes, at multiples of their size.
        ref *(uint*)(_bytes.First + at);

    private unsafe ref ulong Wide(int at) =>
        // SAFETY: as above.
        ref *(ulong*)(_bytes.First + at);

    private ref uint MemberAt(int place) => ref Word(MembersAt + (sizeof(uint) * place));
}
