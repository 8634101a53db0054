using Posix.SharedMemory.Threading.Interop;

namespace Posix.SharedMemory.Threading;

/// <summary>A barrier between processes: each arrives and waits until all have. A process that dies does not keep the others waiting.</summary>
/// <remarks>
/// A process becomes a member with its first arrival, up to the number of participants; it arrives once in a phase. After a death, the phases count without the dead member,
/// and a newcomer may take its place. A cancelled arrival is withdrawn; where another process is stopped (by SIGSTOP, a debugger or a freezer) in the few instructions in which it changes the
/// barrier, the cancellation is reported within a second, and the arrival is withdrawn as soon as that process goes on or dies.
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
    /// <summary>In <see cref="_owed"/>: there is a withdrawal; below it, the phase.</summary>
    private const long OwedBit = 1L << 32;

    /// <summary>An attempt ends after so many members that ended during it.</summary>
    private const int MostLooks = 100;

    private readonly Seat _seat;
    private readonly BarrierWords _words;
    private readonly GuardedState _state;
    private readonly ArrivalTarget _target;
    private readonly WaitQueue _queue;
    private readonly WaitQueue _withdrawals;

    /// <summary>An arrival that was cancelled, and could not be withdrawn yet.</summary>
    private long _owed;

    private SharedBarrier(Roster roster, MemoryMapping mapping, long offset, int participants)
    {
        _seat = roster.Seat;
        _seat.Require();
        Participants = participants;
        var bytes = HeldBytes.Take(mapping, offset, SizeFor(participants), alignment: 8);
        _words = new(_seat, bytes, participants);
        _state = new(_seat, bytes, _words.Recompute);
        _target = new(this);
        _queue = new(_seat.Kernel.Service, wakesAll: true);
        _withdrawals = new(_seat.Kernel.Service, wakesAll: false);
    }

    /// <summary>Gets how many processes a phase waits for.</summary>
    public int Participants { get; }

    /// <summary>Gets whether an arrival that was cancelled has not been withdrawn yet.</summary>
    internal bool OwesWithdrawal => Volatile.Read(ref _owed) != 0;

    /// <summary>How many bytes a barrier takes, at a multiple of 8: 64 and 4 for each participant, rounded up to a multiple of 64.</summary>
    /// <param name="participants">1 to 63.</param>
    public static int SizeFor(int participants)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(participants, 1);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(participants, BarrierWords.MostParticipants);
        return BarrierWords.SizeFor(participants);
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
    public ValueTask<BarrierResult> SignalAndWaitAsync(CancellationToken cancellationToken = default)
    {
        if (cancellationToken.IsCancellationRequested)
        {
            return ValueTask.FromCanceled<BarrierResult>(cancellationToken);
        }

        // On the caller's thread, so that it has arrived when this returns, unless another process is inside at this moment.
        Span<LinuxFutexWaitv> space = stackalloc LinuxFutexWaitv[BarrierWords.MostParticipants + 1];
        var state = new WaitState { IsTry = true };
        var list = new SleepList(space);
        try
        {
            if (_target.Attempt(ref state, ref list) == WaitOutcome.Taken)
            {
                return new(_target.Finish(WaitOutcome.Taken, ref state));
            }

            state.IsTry = false;
            return _queue.WaitAsync(_target, state, Deadline.Never, synchronously: false, cancellationToken);
        }
        catch (Exception e)
        {
            // It may have come to its end all the same; else the arrival is withdrawn.
            return _target.GiveUp(ref state) is not WaitOutcome.Pending and var late ? new(_target.Finish(late, ref state)) : ValueTask.FromException<BarrierResult>(e);
        }
    }

    /// <summary>Arrives if this wait has not, and finds whether the phase is over. Under the mutex.</summary>
    private WaitOutcome Look(ref WaitState state, ref SleepList list)
    {
        for (var looks = 0; looks < MostLooks; looks++)
        {
            _words.CompletePending();
            WithdrawOwed();
            if (state.Mode == 1 && _words.Phase != state.Key)
            {
                return WaitOutcome.Taken;
            }

            // Before the dead are looked at: a phase that a dead member breaks is broken for whoever arrives in it, too.
            if (state.Mode == 0 && _words.HasPlace())
            {
                Arrive(ref state);
            }

            if (_words.Sweep())
            {
                _words.Advance(broken: true);
                if (state.Mode == 1)
                {
                    return WaitOutcome.Taken;
                }
            }

            if (state.Mode == 0)
            {
                Arrive(ref state);
            }

            if (_words.IsComplete())
            {
                // First: it was the last, also if the wake-up of the others is refused.
                state.Dead = (uint)BarrierResult.Last;
                _words.Advance(broken: false);
                return WaitOutcome.Taken;
            }

            if (_words.TryAddWords(ref list))
            {
                return WaitOutcome.Pending;
            }
        }

        return list.Retry();
    }

    private void Arrive(ref WaitState state)
    {
        _words.Arrive();
        state.Mode = 1;
        state.Key = _words.Phase;
    }

    /// <summary>Withdraws an arrival whose wait has ended while another process was inside. Under the mutex.</summary>
    private void WithdrawOwed()
    {
        if (Interlocked.Exchange(ref _owed, 0) is not 0 and var owed)
        {
            var arrival = new WaitState { Key = (uint)owed };
            _words.Withdraw(ref arrival);
        }
    }

    /// <summary>Leaves the withdrawal to the service thread, which waits for the mutex as long as it takes.</summary>
    private void WithdrawLater(uint phase)
    {
        Volatile.Write(ref _owed, OwedBit | phase);
        _ = _withdrawals.WaitWithoutResultAsync(new WithdrawalTarget(this), default, synchronously: false, CancellationToken.None).AsTask();
    }

    private sealed class WithdrawalTarget(SharedBarrier barrier) : IWaitTarget<bool>
    {
        public News News => barrier._seat.News;

        public WaitOutcome Attempt(ref WaitState state, ref SleepList list)
        {
            // A process that has left the roster has ended for the others, with its arrival.
            if (barrier._seat.Me == 0 || !barrier.OwesWithdrawal)
            {
                return WaitOutcome.Taken;
            }

            if (!barrier._state.TryEnter(ref state, ref list))
            {
                return WaitOutcome.Pending;
            }

            try
            {
                barrier.WithdrawOwed();
                return WaitOutcome.Taken;
            }
            finally
            {
                barrier._state.Leave();
            }
        }

        public WaitOutcome GiveUp(ref WaitState state)
        {
            barrier._state.GiveUp(state);
            return WaitOutcome.Pending;
        }

        public void BeforeSleep() => barrier._seat.Watch.Start();

        public bool Finish(WaitOutcome outcome, ref WaitState state) => true;
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
                if (outcome == WaitOutcome.Taken && state.Dead == 0 && barrier._words.WasBroken(state.Key))
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

            // A process that is inside needs a few instructions, unless it is stopped there. A service thread waits for nobody.
            if (!barrier._state.TryEnter(ServiceThread.IsCurrent ? Deadline.Passed : new(Deadline.Now + Deadline.Second)))
            {
                barrier.WithdrawLater(state.Key);
                return WaitOutcome.Pending;
            }

            try
            {
                return barrier._words.Withdraw(ref state);
            }
            finally
            {
                barrier._state.Leave();
            }
        }

        public void BeforeSleep() => barrier._seat.Watch.Start();

        public BarrierResult Finish(WaitOutcome outcome, ref WaitState state) => (BarrierResult)state.Dead;
    }
}
