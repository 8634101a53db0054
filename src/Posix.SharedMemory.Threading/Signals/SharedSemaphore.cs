using System.Runtime.CompilerServices;

namespace Posix.SharedMemory.Threading;

/// <summary>Counts permits between processes: 16 bytes, or more where the permits of a process that dies come back.</summary>
public sealed class SharedSemaphore : ISharedWaitable
{
    /// <summary>How many bytes a semaphore takes, at a multiple of 8.</summary>
    public const int Size = 16;

    private readonly Permits _permits;

    /// <summary>Where the permits are, if they are plain, otherwise null: a permit that is there costs one load and one swap, as in C.</summary>
    private readonly unsafe uint* _word;
    private readonly int _maximum;
    private readonly WaitQueue _queue;

    private unsafe SharedSemaphore(Permits permits)
    {
        _permits = permits;
        _maximum = permits.Maximum;
        // SAFETY: an address is handed on; the permits hold what it points to, and this object the permits.
        _word = permits is PlainPermits plain ? plain.Address : null;
        _queue = new(permits.Kernel.Service, wakesAll: false);
    }

    /// <summary>Gets how many permits are free. A snapshot: it may be out of date when it is returned.</summary>
    public int CurrentCount => _permits.Count;

    /// <summary>Gets how many permits there can be.</summary>
    public int MaximumCount => _permits.Maximum;

    IWaitTarget ISharedWaitable.Target => _permits;

    Kernel ISharedWaitable.Kernel => _permits.Kernel;

    /// <summary>How many bytes a semaphore takes whose permits come back, at a multiple of 8: 64 and 8 for each seat.</summary>
    /// <param name="seats">Those of its roster.</param>
    public static int SizeForReturning(int seats = Roster.DefaultSeats)
    {
        _ = Roster.SizeFor(seats);
        return ReturningPermits.HeldAt + (ReturningPermits.HeldSize * seats);
    }

    /// <summary>The semaphore at a place of a mapping, made there if the bytes are zero.</summary>
    /// <param name="mapping">A shared mapping for reading and writing.</param>
    /// <param name="offset">A multiple of 8, in bytes.</param>
    /// <param name="initialCount">The permits of a new semaphore; an existing one keeps its own.</param>
    /// <param name="maximumCount">How many permits there can be.</param>
    /// <exception cref="InvalidDataException">The bytes are something else, or a semaphore of another maximum.</exception>
    /// <exception cref="ArgumentException">The offset is not a multiple of 8, or the mapping is read-only.</exception>
    /// <exception cref="ArgumentOutOfRangeException">It is not inside the mapping, or a count is not possible.</exception>
    public static SharedSemaphore At(MemoryMapping mapping, long offset, int initialCount, int maximumCount = int.MaxValue)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(maximumCount, 1);
        ArgumentOutOfRangeException.ThrowIfNegative(initialCount);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(initialCount, maximumCount);
        return new(PlainPermits.At(mapping, offset, initialCount, maximumCount));
    }

    /// <summary>Opens the semaphore at a place of a mapping.</summary>
    /// <exception cref="InvalidDataException">There is none, or something else.</exception>
    /// <inheritdoc cref="At"/>
    public static SharedSemaphore Open(MemoryMapping mapping, long offset) => new(PlainPermits.Open(mapping, offset));

    /// <summary>A semaphore at a place of the roster's mapping whose permits come back at the instant their process dies. All permits are free at first.</summary>
    /// <inheritdoc cref="ReturningAt(Roster, MemoryMapping, long, int)"/>
    public static SharedSemaphore ReturningAt(Roster roster, long offset, int maximumCount)
    {
        ArgumentNullException.ThrowIfNull(roster);
        return ReturningAt(roster, roster.Memory.Bytes.Mapping, offset, maximumCount);
    }

    /// <summary>A semaphore at a place of another mapping whose permits come back at the instant their process dies. All permits are free at first.</summary>
    /// <param name="roster">The processes that may take permits.</param>
    /// <param name="mapping">A shared mapping for reading and writing.</param>
    /// <param name="offset">A multiple of 8, in bytes; <see cref="SizeForReturning"/> says how much it takes.</param>
    /// <param name="maximumCount">How many permits there are.</param>
    /// <exception cref="InvalidDataException">The bytes are something else, or a semaphore of another maximum.</exception>
    /// <exception cref="ArgumentException">The offset is not a multiple of 8, or the mapping is read-only.</exception>
    /// <exception cref="ArgumentOutOfRangeException">It is not inside the mapping, or the maximum is less than 1.</exception>
    public static SharedSemaphore ReturningAt(Roster roster, MemoryMapping mapping, long offset, int maximumCount)
    {
        ArgumentNullException.ThrowIfNull(roster);
        ArgumentOutOfRangeException.ThrowIfLessThan(maximumCount, 1);
        return new(new ReturningPermits(roster, mapping, offset, maximumCount));
    }

    /// <summary>Takes a permit; waits as long as it takes.</summary>
    /// <exception cref="OperationCanceledException">The token was cancelled.</exception>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public unsafe void Wait(CancellationToken cancellationToken = default)
    {
        // SAFETY: this object keeps the word mapped.
        if (cancellationToken.IsCancellationRequested || _word is null || !PlainPermits.TryTake(_word))
        {
            WaitUntil(Deadline.Never, cancellationToken);
        }

        GC.KeepAlive(this);
    }

    /// <summary>Takes a permit, unless that takes longer than a timeout.</summary>
    /// <returns>False: the timeout passed.</returns>
    /// <exception cref="ArgumentOutOfRangeException">The timeout is negative, but not <see cref="Timeout.InfiniteTimeSpan"/>.</exception>
    /// <exception cref="OperationCanceledException">The token was cancelled.</exception>
    public bool Wait(TimeSpan timeout, CancellationToken cancellationToken = default) => WaitUntil(Deadline.After(timeout), cancellationToken);

    /// <summary>Takes a permit if there is one; never waits for one.</summary>
    /// <returns>False: there is none; of permits that come back also: another process was stopped for a second while it changed the counts.</returns>
    /// <remarks>For the few instructions in which another process changes the counts of permits that come back, it waits; so does a wait with a timeout of 0.</remarks>
    public bool TryWait() => TryTake(untilKnown: true);

    /// <summary>Takes a permit; no thread waits.</summary>
    /// <exception cref="OperationCanceledException">The token was cancelled.</exception>
    public ValueTask WaitAsync(CancellationToken cancellationToken = default)
    {
        if (cancellationToken.IsCancellationRequested)
        {
            return ValueTask.FromCanceled(cancellationToken);
        }

        return TryTake() ? ValueTask.CompletedTask : _queue.WaitWithoutResultAsync(_permits, default, synchronously: false, cancellationToken);
    }

    /// <summary>Takes a permit, unless that takes longer than a timeout; no thread waits.</summary>
    /// <inheritdoc cref="Wait(TimeSpan, CancellationToken)"/>
    public ValueTask<bool> WaitAsync(TimeSpan timeout, CancellationToken cancellationToken = default)
    {
        var deadline = Deadline.After(timeout);
        if (cancellationToken.IsCancellationRequested)
        {
            return ValueTask.FromCanceled<bool>(cancellationToken);
        }

        return TryTake(untilKnown: deadline == Deadline.Passed) ? new(true) : _queue.WaitAsync(_permits, default, deadline, synchronously: false, cancellationToken);
    }

    /// <summary>Gives permits back. Makes no system call while there are no sleepers, unless the permits are of the kind that comes back.</summary>
    /// <returns>How many there were before.</returns>
    /// <exception cref="ArgumentOutOfRangeException">The count is less than 1.</exception>
    /// <exception cref="SemaphoreFullException">There would be more than the maximum.</exception>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public unsafe int Release(int releaseCount = 1)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(releaseCount, 1);
        // SAFETY: this object keeps the word mapped.
        var before = _word is null ? -1 : PlainPermits.TryRelease(_word, releaseCount, _maximum);
        GC.KeepAlive(this);
        return before >= 0 ? before : _permits.Release(releaseCount);
    }

    /// <summary>The same words over other bytes.</summary>
    internal static SharedSemaphore Over(Permits permits) => new(permits);

    private bool WaitUntil(Deadline deadline, CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        if (TryTake())
        {
            return true;
        }

        var state = default(WaitState);
        return BlockingWait.Run(_permits, _permits.Kernel, ref state, deadline, cancellationToken) == WaitOutcome.Taken;
    }

    /// <summary>Takes a permit if there is one.</summary>
    /// <param name="untilKnown">False also means that there is none; otherwise it may mean that another process changes the counts, for which nobody waits here.</param>
    private unsafe bool TryTake(bool untilKnown = false)
    {
        if (_word is not null)
        {
            // SAFETY: this object keeps the word mapped.
            var isTaken = PlainPermits.TryTake(_word);
            GC.KeepAlive(this);
            return isTaken;
        }

        // A try waits for the inner mutex of permits that come back; the first attempt of a wait does not.
        var state = new WaitState { IsTry = untilKnown || _permits is not ReturningPermits };
        var list = default(SleepList);
        return _permits.Attempt(ref state, ref list) == WaitOutcome.Taken;
    }
}
