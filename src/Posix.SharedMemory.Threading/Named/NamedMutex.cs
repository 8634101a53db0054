using System.Diagnostics.CodeAnalysis;

namespace Posix.SharedMemory.Threading;

/// <summary>A mutex with a name, for all processes of the machine: <see cref="Mutex"/>'s words over a <see cref="SharedMutex"/>.</summary>
/// <remarks>
/// It is neither recursive nor bound to a thread, and an owner's death is <see cref="OwnerDiedException"/> without the lock, not an exception inside it. The prefixes
/// <c>Global\</c> and <c>Local\</c> are cut off: there is one namespace, <c>/dev/shm</c>. When its last user has gone, by whatever end, the lock starts again.
/// </remarks>
public sealed class NamedMutex : IDisposable
{
    private readonly NamedMemory _memory;
    private MutexHold _hold;
    private int _isDisposed;

    private NamedMutex(NamedMemory memory)
    {
        _memory = memory;
        Lock = memory.OpenLock(static memory => SharedMutex.At(memory.Roster, memory.LockOffset));
    }

    /// <summary>Gets the mutex itself, with asynchronous entries, repair and holds.</summary>
    public SharedMutex Lock { get; }

    /// <summary>Creates a mutex whose name is free.</summary>
    /// <exception cref="ArgumentException">The name is empty or not valid.</exception>
    /// <exception cref="SharedMemoryException"><see cref="Errno.EEXIST"/>: the name is taken. <see cref="Errno.ENAMETOOLONG"/>: it is longer than 255 bytes.</exception>
    public static NamedMutex Create(string name, NamedOptions? options = null) =>
        new(NamedObject.Create(name, LockLayout.MutexTag, static _ => SharedMutex.Size, options, Make));

    /// <summary>Opens a mutex, or creates it.</summary>
    /// <param name="name">Its name, at most 255 bytes of UTF-8.</param>
    /// <param name="createdNew">Whether this call created it.</param>
    /// <param name="options">For a new mutex; an existing one keeps its own.</param>
    /// <exception cref="ArgumentException">The name is empty or not valid.</exception>
    /// <exception cref="WaitHandleCannotBeOpenedException">The name belongs to something else.</exception>
    /// <exception cref="SharedMemoryException"><see cref="Errno.EACCES"/>: this user may not open it. <see cref="Errno.ENAMETOOLONG"/>: the name is longer than 255 bytes.</exception>
    public static NamedMutex OpenOrCreate(string name, out bool createdNew, NamedOptions? options = null) =>
        new(NamedObject.OpenOrCreate(name, out createdNew, LockLayout.MutexTag, [LockLayout.MutexTag], static _ => SharedMutex.Size, options, Make));

    /// <summary>Opens an existing mutex.</summary>
    /// <exception cref="WaitHandleCannotBeOpenedException">There is none, or the name belongs to something else.</exception>
    public static NamedMutex OpenExisting(string name) => new(NamedObject.OpenExisting(name, LockLayout.MutexTag));

    /// <summary>Opens an existing mutex.</summary>
    /// <returns>False: there is none.</returns>
    /// <exception cref="WaitHandleCannotBeOpenedException">The name belongs to something else.</exception>
    public static bool TryOpenExisting(string name, [NotNullWhen(true)] out NamedMutex? result)
    {
        var memory = NamedMemory.TryOpen(NamedMemory.Plain(name), refusesAbandoned: true, LockLayout.MutexTag);
        result = memory is null ? null : new(memory);
        return result is not null;
    }

    /// <summary>Enters; waits as long as it takes.</summary>
    /// <exception cref="OwnerDiedException">The last owner died inside; the mutex is not held. Enter <see cref="Lock"/> with a repair.</exception>
    /// <exception cref="ObjectDisposedException">It was closed.</exception>
    public bool WaitOne() => WaitOne(Timeout.InfiniteTimeSpan);

    /// <summary>Enters, unless that takes longer than some milliseconds; -1: as long as it takes.</summary>
    /// <inheritdoc cref="WaitOne(TimeSpan)"/>
    public bool WaitOne(int millisecondsTimeout) => WaitOne(NamedObject.Milliseconds(millisecondsTimeout));

    /// <summary>Enters, unless that takes longer than a timeout.</summary>
    /// <returns>False: the timeout passed.</returns>
    /// <exception cref="OwnerDiedException">The last owner died inside; the mutex is not held. Enter <see cref="Lock"/> with a repair.</exception>
    /// <exception cref="ObjectDisposedException">It was closed.</exception>
    public bool WaitOne(TimeSpan timeout)
    {
        ObjectDisposedException.ThrowIf(Volatile.Read(ref _isDisposed) != 0, this);
        if (!Lock.TryEnter(timeout, out var hold))
        {
            return false;
        }

        _hold = hold;
        return true;
    }

    /// <summary>Leaves, on whatever thread.</summary>
    /// <exception cref="LockLostException">It was not entered by <see cref="WaitOne()"/> of this object.</exception>
    public void ReleaseMutex()
    {
        var hold = _hold;
        if (hold.Mutex is null)
        {
            throw new LockLostException("The mutex was not entered by WaitOne of this object.");
        }

        _hold = default;
        hold.Dispose();
    }

    /// <summary>Closes it. A mutex that this process still holds is left when its last object of the name is closed, and found abandoned by others.</summary>
    public void Dispose()
    {
        if (Interlocked.Exchange(ref _isDisposed, 1) == 0)
        {
            _memory.Release();
        }
    }

    private static void Make(NamedMemory memory) => SharedMutex.At(memory.Roster, memory.LockOffset);
}
