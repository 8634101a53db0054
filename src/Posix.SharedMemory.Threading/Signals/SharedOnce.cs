namespace Posix.SharedMemory.Threading;

/// <summary>Runs an initialization once among all processes, over 8 bytes: one process runs it, the others wait; if it dies, the next one starts over.</summary>
public sealed class SharedOnce
{
    /// <summary>How many bytes it takes, at a multiple of 8.</summary>
    public const int Size = 8;

    private readonly OnceTarget _target;
    private readonly WaitQueue _queue;
    private int _thread;

    private unsafe SharedOnce(Roster roster, MemoryMapping mapping, long offset)
    {
        var seat = roster.SeatForLooks;
        var bytes = seat.Hold(mapping, offset, Size);
        // SAFETY: the tag lies in the held bytes.
        Tags.Claim(seat, (uint*)(bytes.First + LockLayout.Tag), LockLayout.OnceTag, "a once");
        _target = new(seat, new(seat, bytes, (uint*)bytes.First, LockLayout.Done));
        _queue = new(seat.Kernel.Service, wakesAll: false);
    }

    /// <summary>Gets whether the work is done.</summary>
    public bool IsDone => _target.IsDone;

    /// <summary>The once at a place of the roster's mapping.</summary>
    /// <inheritdoc cref="At(Roster, MemoryMapping, long)"/>
    public static SharedOnce At(Roster roster, long offset)
    {
        ArgumentNullException.ThrowIfNull(roster);
        return new(roster, roster.Memory.Bytes.Mapping, offset);
    }

    /// <summary>The once at a place of another mapping than the roster's.</summary>
    /// <param name="roster">Whose participants do the work.</param>
    /// <param name="mapping">A shared mapping for reading and writing.</param>
    /// <param name="offset">A multiple of 8, in bytes.</param>
    /// <exception cref="InvalidDataException">The bytes are something else than a once or zero.</exception>
    /// <exception cref="ArgumentException">The offset is not a multiple of 8, or the mapping is read-only.</exception>
    /// <exception cref="ArgumentOutOfRangeException">It is not inside the mapping.</exception>
    public static SharedOnce At(Roster roster, MemoryMapping mapping, long offset)
    {
        ArgumentNullException.ThrowIfNull(roster);
        return new(roster, mapping, offset);
    }

    /// <summary>Does the work, unless it is done; waits while another process does it.</summary>
    /// <param name="initialize">The work. If it throws, the exception comes out, and the next caller tries.</param>
    /// <param name="cancellationToken">Ends the wait for others.</param>
    /// <returns>Whether it was this call that did it.</returns>
    /// <exception cref="OperationCanceledException">The token was cancelled.</exception>
    /// <exception cref="LockRecursionException">This thread is doing the work already.</exception>
    public bool Run(Action initialize, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(initialize);
        if (IsDone)
        {
            return false;
        }

        if (Volatile.Read(ref _thread) == Environment.CurrentManagedThreadId)
        {
            throw new LockRecursionException("This thread is doing the work already.");
        }

        var state = default(WaitState);
        if (BlockingWait.Run(_target, _target.Kernel, ref state, Deadline.Never, cancellationToken) == WaitOutcome.Closed)
        {
            return false;
        }

        Volatile.Write(ref _thread, Environment.CurrentManagedThreadId);
        try
        {
            initialize();
        }
        catch
        {
            Volatile.Write(ref _thread, 0);
            _target.Fail();
            throw;
        }

        Volatile.Write(ref _thread, 0);
        _target.Finish();
        return true;
    }

    /// <summary>As <see cref="Run"/>; no thread waits.</summary>
    /// <inheritdoc cref="Run"/>
    public async ValueTask<bool> RunAsync(Func<CancellationToken, ValueTask> initialize, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(initialize);
        cancellationToken.ThrowIfCancellationRequested();
        if (IsDone || !await _queue.WaitAsync(_target, default, Deadline.Never, synchronously: false, cancellationToken).ConfigureAwait(false))
        {
            return false;
        }

        try
        {
            await initialize(cancellationToken).ConfigureAwait(false);
        }
        catch
        {
            _target.Fail();
            throw;
        }

        _target.Finish();
        return true;
    }

    private sealed class OnceTarget(Seat seat, OwnedWord word) : IWaitTarget<bool>
    {
        public News News => seat.News;

        internal Kernel Kernel => seat.Kernel;

        internal bool IsDone => (word.Value & LockLayout.OwnerMask) == LockLayout.Done;

        public WaitOutcome Attempt(ref WaitState state, ref SleepList list) => word.Attempt(ref state, ref list);

        public WaitOutcome GiveUp(ref WaitState state) => word.GiveUp(state);

        public void BeforeSleep() => seat.Watch.Start();

        /// <summary>True: this process does the work. A dead one's is done over, so it needs no repair.</summary>
        public bool Finish(WaitOutcome outcome, ref WaitState state) => outcome is WaitOutcome.Taken or WaitOutcome.TakenUnrepaired;

        internal void Finish() => word.Close(LockLayout.Done);

        internal void Fail()
        {
            word.MarkConsistent();
            word.Leave();
        }
    }
}
