namespace Posix.SharedMemory.Threading;

/// <summary>A barrier between processes: each arrives and waits until all have. A process that dies does not keep the others waiting.</summary>
/// <remarks>
/// A process becomes a member with its first arrival, up to the number of participants; it arrives once in a phase. After a death, the phases count without the dead member,
/// and a newcomer may take its place. A cancelled arrival is withdrawn.
/// </remarks>
/// <example>
/// <code>
/// var barrier = SharedBarrier.At(roster, offset: 4096, participants: 4);
/// switch (barrier.SignalAndWait(cancellationToken))
/// {
///     case BarrierResult.Last:
///         Console.WriteLine($"All {barrier.Participants} are here.");
///         break;
///     case BarrierResult.Broken:
///         Console.WriteLine("One of the processes has died.");
///         break;
/// }
/// </code>
/// </example>
public sealed class SharedBarrier
{
    private const int TagAt = 16, ParticipantsAt = 20, PhaseAt = 24, LostAt = 28, ArrivedAt = 32, HistoryAt = 40, PendingAt = 48, NextHistoryAt = 56, MembersAt = 64;
    private const int MostParticipants = 63;

    /// <summary>The place of a member that died.</summary>
    private const uint Lost = 1;

    /// <summary>The place of a member that died before it arrived, in a phase that is still to be broken.</summary>
    private const uint Missed = 2;

    private readonly Seat _seat;
    private readonly HeldBytes _bytes;
    private readonly GuardedState _state;
    private readonly ArrivalTarget _target;
    private readonly WaitQueue _queue;

    private unsafe SharedBarrier(Roster roster, MemoryMapping mapping, long offset, int participants)
    {
        _seat = roster.Seat;
        _seat.Require();
        Participants = participants;
        _bytes = HeldBytes.Take(mapping, offset, SizeFor(participants), alignment: 8);
        // SAFETY: tag and number lie in the held bytes, at a multiple of 8; nobody sees one without the other.
        var found = Interlocked.CompareExchange(ref *(ulong*)(_bytes.First + TagAt), ((ulong)participants << 32) | LockLayout.BarrierTag, 0);
        if (found != 0 && (uint)found != LockLayout.BarrierTag)
        {
            throw Tags.Unlike("a barrier", (uint)found);
        }

        if (found != 0 && (int)(found >> 32) != participants)
        {
            throw new InvalidDataException($"The barrier is for {(int)(found >> 32)} participants, not {participants}.");
        }

        _state = new(_seat, _bytes, Recompute);
        _target = new(this);
        _queue = new(_seat.Kernel.Service, wakesAll: true);
    }

    /// <summary>Gets how many processes a phase waits for.</summary>
    public int Participants { get; }

    /// <summary>How many bytes a barrier takes, at a multiple of 8: 64 and 4 for each participant, rounded up to a multiple of 64.</summary>
    /// <param name="participants">1 to 63.</param>
    public static int SizeFor(int participants)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(participants, 1);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(participants, MostParticipants);
        return (MembersAt + (sizeof(uint) * participants) + 63) & ~63;
    }

    /// <summary>The barrier at a place of the roster's mapping.</summary>
    /// <inheritdoc cref="At(Roster, MemoryMapping, long, int)"/>
    public static SharedBarrier At(Roster roster, long offset, int participants)
    {
        ArgumentNullException.ThrowIfNull(roster);
        return new(roster, roster.Memory.Bytes.Mapping, offset, participants);
    }

    /// <summary>The barrier at a place of another mapping than the roster's.</summary>
    /// <param name="roster">Whose processes take part.</param>
    /// <param name="mapping">A shared mapping for reading and writing.</param>
    /// <param name="offset">A multiple of 8, in bytes.</param>
    /// <param name="participants">How many processes a phase waits for, 1 to 63.</param>
    /// <exception cref="InvalidDataException">The bytes are something else, or a barrier for another number.</exception>
    /// <exception cref="ArgumentException">The offset is not a multiple of 8, or the mapping is read-only.</exception>
    /// <exception cref="ArgumentOutOfRangeException">It is not inside the mapping, or the number is not possible.</exception>
    public static SharedBarrier At(Roster roster, MemoryMapping mapping, long offset, int participants)
    {
        ArgumentNullException.ThrowIfNull(roster);
        return new(roster, mapping, offset, participants);
    }

    /// <summary>Arrives, and waits until all have.</summary>
    /// <exception cref="InvalidOperationException">All places are taken by living members, or this process has arrived already and waits.</exception>
    /// <exception cref="OperationCanceledException">The token was cancelled; the arrival is withdrawn.</exception>
    public BarrierResult SignalAndWait(CancellationToken cancellationToken = default)
    {
        var state = default(WaitState);
        var outcome = BlockingWait.Run(_target, _seat.Kernel, ref state, Deadline.Never, cancellationToken);
        return _target.Finish(outcome, ref state);
    }

    /// <summary>As <see cref="SignalAndWait"/>; no thread waits.</summary>
    /// <inheritdoc cref="SignalAndWait"/>
    public ValueTask<BarrierResult> SignalAndWaitAsync(CancellationToken cancellationToken = default) =>
        cancellationToken.IsCancellationRequested ? ValueTask.FromCanceled<BarrierResult>(cancellationToken)
            : _queue.WaitAsync(_target, default, Deadline.Never, synchronously: false, cancellationToken);

    private unsafe ref uint Word(int at) =>
        // SAFETY: all words lie in the held bytes, at multiples of their size.
        ref *(uint*)(_bytes.First + at);

    private unsafe ref ulong Wide(int at) =>
        // SAFETY: as above.
        ref *(ulong*)(_bytes.First + at);

    private ref uint MemberAt(int place) => ref Word(MembersAt + (sizeof(uint) * place));

    /// <summary>Arrives if this wait has not, and finds whether the phase is over. Under the mutex.</summary>
    private WaitOutcome Look(ref WaitState state, ref SleepList list)
    {
        CompletePending();
        if (state.Mode == 1 && Word(PhaseAt) != state.Key)
        {
            return WaitOutcome.Taken;
        }

        if (Sweep())
        {
            Advance(broken: true);
            if (state.Mode == 1)
            {
                return WaitOutcome.Taken;
            }
        }

        if (state.Mode == 0)
        {
            Arrive();
            state.Mode = 1;
            state.Key = Word(PhaseAt);
        }

        if (IsComplete())
        {
            Advance(broken: false);
            state.Dead = (uint)BarrierResult.Last;
            return WaitOutcome.Taken;
        }

        return TryAddWords(ref list) ? WaitOutcome.Pending : Look(ref state, ref list);
    }

    private void Arrive()
    {
        var me = _seat.Require();
        var place = -1;
        for (var i = 0; i < Participants; i++)
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
            throw new InvalidOperationException($"All {Participants} places of the barrier are taken by living members.");
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
    private bool Sweep()
    {
        var broken = false;
        for (var place = 0; place < Participants; place++)
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

    private bool IsComplete()
    {
        ulong living = 0;
        for (var place = 0; place < Participants; place++)
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
    private void Advance(bool broken)
    {
        Volatile.Write(ref Wide(NextHistoryAt), (Wide(HistoryAt) << 1) | (broken ? 1u : 0));
        Volatile.Write(ref Wide(PendingAt), (1ul << 32) | (Word(PhaseAt) + 1));
        Complete();
    }

    /// <summary>Completes a phase that a process has begun and not completed: it died, or its wake-up was refused.</summary>
    private void CompletePending()
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
        for (var place = 0; place < Participants; place++)
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

    private void Recompute()
    {
        CompletePending();
        // Bits of places that a dead process was giving up.
        for (var place = 0; place < Participants; place++)
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
        for (var place = 0; place < Participants; place++)
        {
            lost += MemberAt(place) is Lost or Missed ? 1u : 0;
        }

        Volatile.Write(ref Word(LostAt), lost);
    }

    /// <summary>Names the phase and the lives of the other members, each with a value that says that it lives. False, and nothing named: one has ended since it was looked at.</summary>
    private unsafe bool TryAddWords(ref SleepList list)
    {
        var before = list.Count;
        // SAFETY: addresses are handed on; the words lie in held bytes.
        list.Add((uint*)(_bytes.First + PhaseAt), Word(PhaseAt));
        for (var place = 0; place < Participants; place++)
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

    private bool WasBroken(uint phase)
    {
        var since = Word(PhaseAt) - phase;
        return since is 0 or > 64 || (Wide(HistoryAt) & (1ul << (int)(since - 1))) != 0;
    }

    private sealed class ArrivalTarget(SharedBarrier barrier) : IWaitTarget<BarrierResult>
    {
        public News News => barrier._seat.News;

        public WaitOutcome Attempt(ref WaitState state, ref SleepList list)
        {
            if (!barrier._state.TryEnter(ref state, ref list))
            {
                return WaitOutcome.Pending;
            }

            try
            {
                var outcome = barrier.Look(ref state, ref list);
                if (outcome == WaitOutcome.Taken && state.Dead == 0 && barrier.WasBroken(state.Key))
                {
                    state.Dead = (uint)BarrierResult.Broken;
                }

                return outcome;
            }
            finally
            {
                barrier._state.Leave();
            }
        }

        public WaitOutcome GiveUp(ref WaitState state)
        {
            barrier._state.GiveUp(state);
            if (state.Mode == 0 || barrier._seat.Me == 0)
            {
                return WaitOutcome.Pending;
            }

            barrier._state.Enter();
            try
            {
                return barrier.Withdraw(ref state);
            }
            finally
            {
                barrier._state.Leave();
            }
        }

        public void BeforeSleep() => barrier._seat.Watch.Start();

        public BarrierResult Finish(WaitOutcome outcome, ref WaitState state) => (BarrierResult)state.Dead;
    }

    private WaitOutcome Withdraw(ref WaitState state)
    {
        CompletePending();
        if (Word(PhaseAt) != state.Key)
        {
            // The phase ended before the wait did.
            state.Dead = WasBroken(state.Key) ? (uint)BarrierResult.Broken : 0;
            return WaitOutcome.Taken;
        }

        for (var place = 0; place < Participants; place++)
        {
            if (MemberAt(place) == _seat.Me)
            {
                Volatile.Write(ref Wide(ArrivedAt), Wide(ArrivedAt) & ~(1ul << place));
            }
        }

        return WaitOutcome.Pending;
    }
}
