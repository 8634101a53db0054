namespace Posix.SharedMemory.Threading;

/// <summary>A <see cref="SharedMutex"/> that was entered. Disposing it leaves.</summary>
/// <remarks>
/// The hold names one entry: a copy of it, or one that is disposed already, does nothing. It may be disposed on another thread than the one that entered, and be kept
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

    /// <summary>Gets whether the last owner died inside the lock, and nobody has repaired since what it left.</summary>
    public bool OwnerDied => EntryTicket.TellsOfDeath(_ticket);

    internal SharedMutex? Mutex => _mutex;

    internal long Ticket => _ticket;

    /// <summary>Says that what the dead owner left has been repaired: the next to enter no longer learns of the death.</summary>
    /// <exception cref="InvalidOperationException">The hold has been left already, or never entered anything.</exception>
    public void MarkConsistent() => Current().MarkConsistent();

    /// <summary>Leaves for ever: nobody can enter again, and everybody who tries gets <see cref="RetiredException"/>.</summary>
    /// <exception cref="InvalidOperationException">The hold has been left already, or never entered anything.</exception>
    /// <exception cref="LockLostException">This process no longer holds the lock.</exception>
    public void Retire() => Current().Retire(_ticket);

    /// <summary>Leaves the lock. After a death without <see cref="MarkConsistent"/>, the next to enter learns of the death again. Further calls have no effect.</summary>
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

    private SharedMutex Current() => _mutex is { } mutex && mutex.IsCurrent(_ticket) ? mutex
        : throw new InvalidOperationException("The hold was left already, or never entered a lock.");
}
