namespace Posix.SharedMemory.Threading;

/// <summary>A <see cref="SharedMutex"/> that was entered. Disposing it leaves.</summary>
/// <remarks>
/// The hold names one entry: a copy of it, or one that is disposed already, does nothing; only two threads that dispose two copies at the same time are not told apart. It may be disposed on another thread than the one that entered, and be kept
/// across an <see langword="await"/>. A hold belongs to the process: if a thread ends without disposing its hold, the mutex stays held until the process ends.
/// </remarks>
public readonly struct MutexHold : IDisposable, IEntry, IEquatable<MutexHold>
{
    private readonly SharedMutex? _mutex;
    private readonly long _ticket;

    internal MutexHold(SharedMutex mutex, long ticket)
    {
        _mutex = mutex;
        _ticket = ticket;
    }

    /// <summary>Gets whether the last owner died inside the lock, and what it left has not been repaired since.</summary>
    public bool OwnerDied => EntryTicket.TellsOfDeath(_ticket);

    internal SharedMutex? Mutex => _mutex;

    internal long Ticket => _ticket;

    /// <summary>Marks what the dead owner left as repaired: later entries no longer report the death.</summary>
    /// <exception cref="InvalidOperationException">The hold has been left already, or never entered anything.</exception>
    public void MarkConsistent() => Current().MarkConsistent();

    /// <summary>Closes the lock permanently: every later entry throws <see cref="RetiredException"/>.</summary>
    /// <exception cref="InvalidOperationException">The hold has been left already, or never entered anything.</exception>
    /// <exception cref="LockLostException">This process no longer holds the lock.</exception>
    public void Retire() => Current().Retire(_ticket);

    /// <summary>Leaves the lock. After a death without <see cref="MarkConsistent"/>, the next entry reports the death again. Further calls have no effect.</summary>
    /// <exception cref="LockLostException">This process no longer holds the lock.</exception>
    public void Dispose() => _mutex?.Leave(_ticket);

    /// <summary>Whether two holds name the same entry.</summary>
    public bool Equals(MutexHold other) => _mutex == other._mutex && _ticket == other._ticket;

    /// <inheritdoc/>
    public override bool Equals(object? obj) => obj is MutexHold other && Equals(other);

    /// <inheritdoc/>
    public override int GetHashCode() => HashCode.Combine(_mutex, _ticket);

    /// <summary>Whether two holds name the same entry.</summary>
    public static bool operator ==(MutexHold left, MutexHold right) => left.Equals(right);

    /// <summary>Whether two holds name different entries.</summary>
    public static bool operator !=(MutexHold left, MutexHold right) => !left.Equals(right);

    private SharedMutex Current() => _mutex is { } mutex && mutex.IsCurrent(_ticket) ? mutex : throw EntryTicket.Spent();
}
