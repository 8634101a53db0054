namespace Posix.SharedMemory.Threading;

/// <summary>An event of 8 bytes that processes share: setting it releases one waiter, or all of them.</summary>
/// <remarks>A manual event that is set and reset while a process sleeps is not slept through.</remarks>
public sealed class SharedEvent : ISharedWaitable
{
    /// <summary>How many bytes an event takes, at a multiple of 8.</summary>
    public const int Size = 8;

    /// <summary>In the tag: the event is automatic.</summary>
    internal const uint ModeBit = 1u << 31;

    private const uint IsSetBit = 1, WaitersBit = 1u << 31, PulseStep = 2, PulseMask = 0x7FFFFFFE, ManualTag = LockLayout.EventTag, AutoTag = LockLayout.EventTag | ModeBit;

    private readonly unsafe uint* _word;
    private readonly HeldBytes _bytes;
    private readonly EventTarget _target;
    private readonly WaitQueue _queue;

    private unsafe SharedEvent(HeldBytes bytes, EventResetMode mode)
    {
        _bytes = bytes;
        // SAFETY: the word lies in the held bytes.
        _word = (uint*)bytes.First;
        Mode = mode;
        _target = new(this);
        _queue = new(Kernel.Current.Service, wakesAll: mode == EventResetMode.ManualReset);
    }

    /// <summary>Gets whether the event is set. A snapshot: it may be out of date when it is returned.</summary>
    public bool IsSet => (Word & IsSetBit) != 0;

    /// <summary>Gets whether setting lets one waiter go on, or all of them until it is reset.</summary>
    public EventResetMode Mode { get; }

    IWaitTarget ISharedWaitable.Target => _target;

    Kernel ISharedWaitable.Kernel => Kernel.Current;

    private unsafe uint Word =>
        // SAFETY: the word lies in the held bytes.
        Volatile.Read(ref *_word);

    /// <summary>The event at a place of a mapping, made there if the bytes are zero.</summary>
    /// <param name="mapping">A shared mapping for reading and writing.</param>
    /// <param name="offset">A multiple of 8, in bytes.</param>
    /// <param name="mode">Whether one waiter goes on, or all of them.</param>
    /// <param name="initialState">Whether a new event is set; an existing one keeps its state.</param>
    /// <exception cref="InvalidDataException">The bytes are something else, or an event of the other mode.</exception>
    /// <exception cref="ArgumentException">The offset is not a multiple of 8, the mapping is read-only, or the mode is not defined.</exception>
    /// <exception cref="ArgumentOutOfRangeException">It is not inside the mapping.</exception>
    public static unsafe SharedEvent At(MemoryMapping mapping, long offset, EventResetMode mode, bool initialState = false)
    {
        if (mode is not (EventResetMode.AutoReset or EventResetMode.ManualReset))
        {
            throw new ArgumentException("The value is not defined by the enumeration.", nameof(mode));
        }

        var bytes = HeldBytes.Take(mapping, offset, Size, alignment: 8);
        var tag = mode == EventResetMode.AutoReset ? AutoTag : ManualTag;
        // SAFETY: the word and its tag lie in the held bytes; nobody sees one without the other.
        var found = (uint)(Interlocked.CompareExchange(ref *(ulong*)bytes.First, ((ulong)tag << 32) | (initialState ? 1u : 0), 0) >> 32);
        return found == 0 || found == tag ? new(bytes, mode)
            : throw (found is AutoTag or ManualTag ? new InvalidDataException($"The event has the other mode, not {mode}.") : Tags.Unlike("an event", found));
    }

    /// <summary>Opens the event at a place of a mapping.</summary>
    /// <exception cref="InvalidDataException">There is none.</exception>
    /// <inheritdoc cref="At"/>
    public static unsafe SharedEvent Open(MemoryMapping mapping, long offset)
    {
        var bytes = HeldBytes.Take(mapping, offset, Size, alignment: 8);
        // SAFETY: the tag lies in the held bytes.
        var tag = Volatile.Read(ref *(uint*)(bytes.First + LockLayout.Tag));
        return tag is AutoTag or ManualTag ? new(bytes, tag == AutoTag ? EventResetMode.AutoReset : EventResetMode.ManualReset) : throw Tags.Unlike("an event", tag);
    }

    /// <summary>Sets the event. Makes no system call while there are no sleepers.</summary>
    public unsafe void Set()
    {
        for (var swaps = 0; swaps < SleepList.MostSwaps; swaps++)
        {
            var value = Word;
            if ((value & IsSetBit) != 0)
            {
                return;
            }

            if ((value & WaitersBit) == 0)
            {
                if (Swap(value, value | IsSetBit))
                {
                    return;
                }

                continue;
            }

            // SYNC event.waiters: pairs with EventTarget.Attempt. Set and woken in one call, so that no kill falls between.
            var one = Mode == EventResetMode.AutoReset;
            // SAFETY: an address is handed on.
            var woken = Kernel.Current.ChangeAndWake(_word, WordChange.Or, (int)IsSetBit, one ? 1 : int.MaxValue);
            if (one && woken == 0)
            {
                Swap(value | IsSetBit, (value | IsSetBit) & ~WaitersBit);
            }

            return;
        }

        // SAFETY: the word lies in the held bytes.
        Interlocked.Or(ref *_word, IsSetBit);
        Kernel.Current.Wake(_word, Mode == EventResetMode.AutoReset ? 1 : int.MaxValue);
    }

    /// <summary>Resets the event.</summary>
    public unsafe void Reset()
    {
        for (var swaps = 0; swaps < SleepList.MostSwaps; swaps++)
        {
            var value = Word;
            if ((value & IsSetBit) == 0)
            {
                return;
            }

            // Nobody sleeps on a manual event that is set; on an automatic one, the bit stays for whoever does.
            var waiters = Mode == EventResetMode.ManualReset ? 0 : value & WaitersBit;
            if (Swap(value, ((value + PulseStep) & PulseMask) | waiters))
            {
                return;
            }
        }

        // SAFETY: the word lies in the held bytes.
        Interlocked.And(ref *_word, ~IsSetBit);
        GC.KeepAlive(_bytes);
    }

    /// <summary>Waits until the event is set; an automatic one is reset by that.</summary>
    /// <exception cref="OperationCanceledException">The token was cancelled.</exception>
    public void Wait(CancellationToken cancellationToken = default) => WaitUntil(Deadline.Never, cancellationToken);

    /// <summary>Waits until the event is set, or a timeout has passed.</summary>
    /// <returns>False: the timeout passed.</returns>
    /// <exception cref="ArgumentOutOfRangeException">The timeout is negative, but not <see cref="Timeout.InfiniteTimeSpan"/>.</exception>
    /// <exception cref="OperationCanceledException">The token was cancelled.</exception>
    public bool Wait(TimeSpan timeout, CancellationToken cancellationToken = default) => WaitUntil(Deadline.After(timeout), cancellationToken);

    /// <summary>Completes when the event is set; no thread waits.</summary>
    /// <exception cref="OperationCanceledException">The token was cancelled.</exception>
    public ValueTask WaitAsync(CancellationToken cancellationToken = default)
    {
        if (cancellationToken.IsCancellationRequested)
        {
            return ValueTask.FromCanceled(cancellationToken);
        }

        return TryTake() ? ValueTask.CompletedTask : _queue.WaitWithoutResultAsync(_target, Begin(), synchronously: false, cancellationToken);
    }

    /// <summary>Completes when the event is set or a timeout has passed; no thread waits.</summary>
    /// <inheritdoc cref="Wait(TimeSpan, CancellationToken)"/>
    public ValueTask<bool> WaitAsync(TimeSpan timeout, CancellationToken cancellationToken = default)
    {
        var deadline = Deadline.After(timeout);
        if (cancellationToken.IsCancellationRequested)
        {
            return ValueTask.FromCanceled<bool>(cancellationToken);
        }

        return TryTake() ? new(true) : _queue.WaitAsync(_target, Begin(), deadline, synchronously: false, cancellationToken);
    }

    private bool WaitUntil(Deadline deadline, CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        if (TryTake())
        {
            return true;
        }

        var state = Begin();
        return BlockingWait.Run(_target, Kernel.Current, ref state, deadline, cancellationToken) == WaitOutcome.Taken;
    }

    private WaitState Begin() => new() { Key = Word & PulseMask, Mode = 1 };

    private bool TryTake()
    {
        var value = Word;
        return (value & IsSetBit) != 0 && (Mode == EventResetMode.ManualReset || Swap(value, value & ~IsSetBit));
    }

    private unsafe bool Swap(uint from, uint to)
    {
        // SAFETY: the word lies in the held bytes.
        var swapped = Interlocked.CompareExchange(ref *_word, to, from) == from;
        GC.KeepAlive(_bytes);
        return swapped;
    }

    private sealed class EventTarget(SharedEvent signal) : IWaitTarget<bool>
    {
        public News News => Kernel.Current.News;

        public unsafe WaitOutcome Attempt(ref WaitState state, ref SleepList list)
        {
            if (state.Mode == 0)
            {
                // The first attempt of a wait for several things.
                state = signal.Begin();
            }

            for (var swaps = 0; swaps < SleepList.MostSwaps; swaps++)
            {
                var value = signal.Word;
                var isManual = signal.Mode == EventResetMode.ManualReset;
                if ((value & IsSetBit) != 0)
                {
                    // SYNC event.waiters: pairs with Set. Whoever has slept cannot know whether others sleep behind it.
                    if (isManual || signal.Swap(value, (value & ~IsSetBit) | (state.HasSlept ? WaitersBit : 0)))
                    {
                        return WaitOutcome.Taken;
                    }

                    continue;
                }

                if (isManual && (value & PulseMask) != state.Key)
                {
                    return WaitOutcome.Taken;
                }

                if (state.IsTry)
                {
                    return WaitOutcome.Pending;
                }

                if ((value & WaitersBit) == 0 && !signal.Swap(value, value | WaitersBit))
                {
                    continue;
                }

                // SAFETY: an address is handed on; the word lies in bytes that this object holds.
                list.Add(signal._word, value | WaitersBit);
                return WaitOutcome.Pending;
            }

            return list.Retry();
        }

        public unsafe WaitOutcome GiveUp(ref WaitState state)
        {
            // Whatever WAITERS says: a setter that woke nobody may clear it late, when others sleep again.
            if (state.HasSlept && signal.Mode == EventResetMode.AutoReset && signal.IsSet)
            {
                // SAFETY: as above.
                Kernel.Current.Wake(signal._word, 1);
            }

            return WaitOutcome.Pending;
        }

        public void BeforeSleep()
        {
            // An event has no owner whose life would have to be watched.
        }

        public bool Finish(WaitOutcome outcome, ref WaitState state) => outcome == WaitOutcome.Taken;
    }
}
