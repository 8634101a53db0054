using System.Runtime.CompilerServices;

namespace Posix.SharedMemory.Threading;

/// <summary>Counts permits between processes: 16 bytes, or more where the permits of a process that dies come back.</summary>
public sealed class SharedSemaphore : ISharedWaitable
{
    /// <summary>How many bytes a semaphore takes, at a multiple of 8.</summary>
    public const int Size = 16;

    private readonly Permits _permits;

    /// <summary>The same, if they are plain: then a permit that is there costs one swap.</summary>
    private readonly PlainPermits? _plain;
    private readonly WaitQueue _queue;

    private SharedSemaphore(Permits permits)
    {
        _permits = permits;
        _plain = permits as PlainPermits;
        _queue = new(permits.Kernel.Service, wakesAll: false);
    }

    /// <summary>Gets how many permits are there. A look: true when taken.</summary>
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

    /// <summary>The semaphore that stands at a place of a mapping.</summary>
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
    /// <param name="roster">Who may take permits.</param>
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
    public void Wait(CancellationToken cancellationToken = default)
    {
        if (cancellationToken.IsCancellationRequested || _plain is null || !_plain.TryTake())
        {
            WaitUntil(Deadline.Never, cancellationToken);
        }
    }

    /// <summary>Takes a permit, unless that takes longer than a timeout.</summary>
    /// <returns>False: the timeout passed.</returns>
    /// <exception cref="ArgumentOutOfRangeException">The timeout is negative, but not <see cref="Timeout.InfiniteTimeSpan"/>.</exception>
    /// <exception cref="OperationCanceledException">The token was cancelled.</exception>
    public bool Wait(TimeSpan timeout, CancellationToken cancellationToken = default) => WaitUntil(Deadline.After(timeout), cancellationToken);

    /// <summary>Takes a permit if there is one; never waits for one.</summary>
    public bool TryWait() => TryTake();

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

        return TryTake() ? new(true) : _queue.WaitAsync(_permits, default, deadline, synchronously: false, cancellationToken);
    }

    /// <summary>Gives permits back. No system call while nobody sleeps, unless the permits are of the kind that comes back.</summary>
    /// <returns>How many there were before.</returns>
    /// <exception cref="ArgumentOutOfRangeException">The count is less than 1.</exception>
    /// <exception cref="SemaphoreFullException">There would be more than the maximum.</exception>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public int Release(int releaseCount = 1)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(releaseCount, 1);
        return _plain?.TryRelease(releaseCount) is >= 0 and var before ? before : _permits.Release(releaseCount);
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

    private bool TryTake()
    {
        if (_plain is not null)
        {
            return _plain.TryTake();
        }

        var state = new WaitState { IsTry = true };
        var list = default(SleepList);
        return _permits.Attempt(ref state, ref list) == WaitOutcome.Taken;
    }
}
