using System.Diagnostics.CodeAnalysis;

namespace Posix.SharedMemory.Threading;

/// <summary>A semaphore with a name, for all processes of the machine: <see cref="System.Threading.Semaphore"/>'s words over a <see cref="SharedSemaphore"/>.</summary>
/// <remarks>The prefixes <c>Global\</c> and <c>Local\</c> are cut off: there is one namespace, <c>/dev/shm</c>.</remarks>
public sealed class NamedSemaphore : IDisposable
{
    private readonly NamedMemory _memory;
    private int _isDisposed;

    private NamedSemaphore(NamedMemory memory)
    {
        _memory = memory;
        Semaphore = memory.OpenLock(static memory => memory.Kind == LockLayout.ReturningTag
            ? SharedSemaphore.ReturningAt(memory.Roster, memory.LockOffset, ReturningPermits.MaximumOf(memory.Mapping, memory.LockOffset))
            : SharedSemaphore.Open(memory.Mapping, memory.LockOffset));
    }

    /// <summary>Gets the semaphore itself, with asynchronous waits.</summary>
    public SharedSemaphore Semaphore { get; }

    private SharedSemaphore Usable
    {
        get
        {
            ObjectDisposedException.ThrowIf(_isDisposed != 0, this);
            return Semaphore;
        }
    }

    /// <summary>Creates a semaphore whose name is free.</summary>
    /// <exception cref="ArgumentOutOfRangeException">A count is not possible.</exception>
    /// <exception cref="ArgumentException">The name is empty or not valid, or permits are to come back and the initial count is not the maximum.</exception>
    /// <exception cref="SharedMemoryException"><see cref="Errno.EEXIST"/>: the name is taken. <see cref="Errno.ENAMETOOLONG"/>: it is longer than 255 bytes.</exception>
    public static NamedSemaphore Create(string name, int initialCount, int maximumCount, NamedOptions? options = null)
    {
        Check(initialCount, maximumCount, options);
        return new(NamedObject.Create(name, KindOf(options), SizeOf(options), options, memory => Make(memory, initialCount, maximumCount, options)));
    }

    /// <summary>Opens a semaphore, or creates it.</summary>
    /// <param name="name">Its name, at most 255 bytes of UTF-8.</param>
    /// <param name="initialCount">The permits of a new semaphore; an existing one keeps its counts.</param>
    /// <param name="maximumCount">How many permits there can be.</param>
    /// <param name="createdNew">Whether this call created it.</param>
    /// <param name="options">For a new semaphore.</param>
    /// <exception cref="ArgumentOutOfRangeException">A count is not possible.</exception>
    /// <exception cref="ArgumentException">The name is empty or not valid, or permits are to come back and the initial count is not the maximum.</exception>
    /// <exception cref="WaitHandleCannotBeOpenedException">The name belongs to something else.</exception>
    public static NamedSemaphore OpenOrCreate(string name, int initialCount, int maximumCount, out bool createdNew, NamedOptions? options = null)
    {
        Check(initialCount, maximumCount, options);
        return new(NamedObject.OpenOrCreate(name, out createdNew, KindOf(options), [LockLayout.SemaphoreTag, LockLayout.ReturningTag], SizeOf(options), options,
            memory => Make(memory, initialCount, maximumCount, options)));
    }

    /// <summary>Opens an existing semaphore.</summary>
    /// <exception cref="WaitHandleCannotBeOpenedException">There is none, or the name belongs to something else.</exception>
    public static NamedSemaphore OpenExisting(string name) => new(NamedObject.OpenExisting(name, LockLayout.SemaphoreTag, LockLayout.ReturningTag));

    /// <summary>Opens an existing semaphore.</summary>
    /// <returns>False: there is none.</returns>
    /// <exception cref="WaitHandleCannotBeOpenedException">The name belongs to something else.</exception>
    public static bool TryOpenExisting(string name, [NotNullWhen(true)] out NamedSemaphore? result)
    {
        var memory = NamedMemory.TryOpen(NamedMemory.Plain(name), refusesAbandoned: true, LockLayout.SemaphoreTag, LockLayout.ReturningTag);
        result = memory is null ? null : new(memory);
        return result is not null;
    }

    /// <summary>Takes a permit; waits as long as it takes.</summary>
    public bool WaitOne() => Usable.Wait(Timeout.InfiniteTimeSpan);

    /// <summary>Takes a permit, unless that takes longer than some milliseconds; -1: as long as it takes.</summary>
    /// <returns>False: the timeout passed.</returns>
    public bool WaitOne(int millisecondsTimeout) => Usable.Wait(NamedObject.Milliseconds(millisecondsTimeout));

    /// <summary>Takes a permit, unless that takes longer than a timeout.</summary>
    /// <returns>False: the timeout passed.</returns>
    public bool WaitOne(TimeSpan timeout) => Usable.Wait(timeout);

    /// <summary>Gives permits back.</summary>
    /// <returns>How many there were before.</returns>
    /// <exception cref="SemaphoreFullException">There would be more than the maximum.</exception>
    public int Release(int releaseCount = 1) => Usable.Release(releaseCount);

    /// <summary>Closes it.</summary>
    public void Dispose()
    {
        if (Interlocked.Exchange(ref _isDisposed, 1) == 0)
        {
            _memory.Release();
        }
    }

    private static uint KindOf(NamedOptions? options) => options?.ReturnPermitsOfTheDead == true ? LockLayout.ReturningTag : LockLayout.SemaphoreTag;

    private static Func<int, int> SizeOf(NamedOptions? options) => options?.ReturnPermitsOfTheDead == true ? SharedSemaphore.SizeForReturning : static _ => SharedSemaphore.Size;

    private static void Check(int initialCount, int maximumCount, NamedOptions? options)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(maximumCount, 1);
        ArgumentOutOfRangeException.ThrowIfNegative(initialCount);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(initialCount, maximumCount);
        if (options?.ReturnPermitsOfTheDead == true && initialCount != maximumCount)
        {
            throw new ArgumentException("Permits that come back belong to a process: all of them are free at first, so the initial count is the maximum.", nameof(initialCount));
        }
    }

    private static void Make(NamedMemory memory, int initialCount, int maximumCount, NamedOptions? options)
    {
        if (options?.ReturnPermitsOfTheDead == true)
        {
            SharedSemaphore.ReturningAt(memory.Roster, memory.LockOffset, maximumCount);
        }
        else
        {
            SharedSemaphore.At(memory.Mapping, memory.LockOffset, initialCount, maximumCount);
        }
    }
}
