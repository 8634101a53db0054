namespace Posix.SharedMemory.Threading;

/// <summary>A condition variable of 8 bytes, with <see cref="Monitor"/>'s words: leaves a <see cref="SharedMutex"/>, sleeps until it is pulsed, and enters again.</summary>
/// <remarks>
/// A wait may end without a pulse: look at what is waited for in a loop. The same hold is valid again when a wait ends, also by timeout or cancellation; if the entry fails, because an
/// owner died or the lock was retired, the hold is spent.
/// </remarks>
/// <example>
/// <code>
/// var changed = SharedCondition.At(map, offset: 4096);
/// using MutexHold hold = mutex.Enter();
/// while (map.GetReference&lt;int&gt;(8192) == 0)
/// {
///     changed.Wait(hold, cancellationToken);
/// }
/// </code>
/// </example>
public sealed class SharedCondition
{
    /// <summary>How many bytes a condition takes, at a multiple of 8.</summary>
    public const int Size = 8;

    /// <summary>What a pulse for all adds to the sequence: so many single ones do not come between two looks.</summary>
    private const int All = 1024;

    private readonly SharedWord _word;
    private readonly PulseTarget _target;
    private readonly WaitQueue _queue;

    private unsafe SharedCondition(MemoryMapping mapping, long offset)
    {
        var bytes = HeldBytes.Take(mapping, offset, Size, alignment: 8);
        // SAFETY: the tag lies in the held bytes.
        Tags.Claim((uint*)(bytes.First + LockLayout.Tag), LockLayout.ConditionTag, "a condition");
        _word = SharedWord.At(mapping, offset);
        _target = new(_word);
        // All are looked at: one that began to wait earlier may be queued later.
        _queue = new(Kernel.Current.Service, wakesAll: true);
    }

    /// <summary>The condition at a place of a mapping.</summary>
    /// <param name="mapping">A shared mapping for reading and writing.</param>
    /// <param name="offset">A multiple of 8, in bytes.</param>
    /// <exception cref="InvalidDataException">The bytes are something else than a condition or zero.</exception>
    /// <exception cref="ArgumentException">The offset is not a multiple of 8, or the mapping is read-only.</exception>
    /// <exception cref="ArgumentOutOfRangeException">It is not inside the mapping.</exception>
    public static SharedCondition At(MemoryMapping mapping, long offset) => new(mapping, offset);

    /// <summary>Leaves the lock, waits for a pulse, and enters again.</summary>
    /// <inheritdoc cref="Wait(in MutexHold, TimeSpan, CancellationToken)"/>
    public void Wait(in MutexHold hold, CancellationToken cancellationToken = default) => Wait(hold, Timeout.InfiniteTimeSpan, cancellationToken);

    /// <summary>Leaves the lock, waits for a pulse or until a timeout has passed, and enters again; the entry itself has no limit.</summary>
    /// <returns>False: the timeout passed. The lock is held in either case.</returns>
    /// <exception cref="InvalidOperationException">The hold was left already.</exception>
    /// <exception cref="OperationCanceledException">The token was cancelled. The lock is held.</exception>
    /// <exception cref="OwnerDiedException">An owner died meanwhile. The lock is not held.</exception>
    /// <exception cref="RetiredException">The lock was retired meanwhile. It is not held.</exception>
    public bool Wait(in MutexHold hold, TimeSpan timeout, CancellationToken cancellationToken = default)
    {
        _ = Deadline.After(timeout);
        var mutex = MutexOf(hold);
        // SYNC condition.sequence: pairs with Pulse. Read inside the lock: whoever pulses after this process has left changes it.
        var sequence = Volatile.Read(ref _word.Value);
        mutex.Suspend(hold);
        bool pulsed;
        try
        {
            pulsed = _word.Wait(sequence, timeout, cancellationToken) == WordWait.Changed;
        }
        finally
        {
            mutex.Resume(hold);
        }

        return pulsed;
    }

    /// <summary>Leaves the lock, waits for a pulse, and enters again; no thread waits.</summary>
    /// <inheritdoc cref="Wait(in MutexHold, TimeSpan, CancellationToken)"/>
    public async ValueTask WaitAsync(MutexHold hold, CancellationToken cancellationToken = default)
    {
        var mutex = MutexOf(hold);
        var sequence = Volatile.Read(ref _word.Value);
        mutex.Suspend(hold);
        try
        {
            await _queue.WaitWithoutResultAsync(_target, new() { Key = sequence }, synchronously: false, cancellationToken).ConfigureAwait(false);
        }
        finally
        {
            await mutex.ResumeAsync(hold).ConfigureAwait(false);
        }
    }

    /// <summary>Wakes one waiter. The caller holds the lock, as a rule.</summary>
    public void Pulse() => Pulse(1, 1);

    /// <summary>Wakes all waiters. The caller holds the lock, as a rule.</summary>
    public void PulseAll() => Pulse(All, int.MaxValue);

    // SYNC condition.sequence: pairs with Wait. Changed and woken in one call, so that no kill falls between.
    private void Pulse(int change, int count) => _word.AddAndWake(change, count);

    private static SharedMutex MutexOf(in MutexHold hold) => hold.Mutex ?? throw EntryTicket.Spent();

    /// <summary>Asynchronous waits: of those of this process, a pulse ends one, and a pulse for all ends all that began before it.</summary>
    private sealed class PulseTarget(SharedWord word) : IWaitTarget<bool>
    {
        /// <summary>Up to here the pulses have ended waits.</summary>
        private uint _used = Volatile.Read(ref word.Value);

        /// <summary>The latest beginning of a wait that has ended.</summary>
        private uint _newest = Volatile.Read(ref word.Value);

        public News News => Kernel.Current.News;

        public WaitOutcome Attempt(ref WaitState state, ref SleepList list)
        {
            var sequence = Volatile.Read(ref word.Value);
            var since = sequence - state.Key;
            var unused = Math.Min(since, sequence - _used);
            // A wait that began later has ended before this one was queued: with a pulse that was this one's.
            var isLate = (int)(_newest - state.Key) > 0;
            if (since < All && unused == 0 && !isLate)
            {
                word.AddTo(ref list, sequence);
                return WaitOutcome.Pending;
            }

            if (since < All && unused != 0)
            {
                _used = sequence - unused + 1;
            }

            _newest = isLate ? _newest : state.Key;
            return WaitOutcome.Taken;
        }

        public WaitOutcome GiveUp(ref WaitState state) => WaitOutcome.Pending;

        public void BeforeSleep()
        {
            // A condition has no owner whose life would have to be watched.
        }

        public bool Finish(WaitOutcome outcome, ref WaitState state) => outcome == WaitOutcome.Taken;
    }
}
