namespace Posix.SharedMemory.Threading;

/// <summary>A <see cref="SharedReaderWriterLock"/> that was entered for writing. Disposing it leaves.</summary>
/// <remarks>The hold names one entry: a copy of it, or one that is disposed already, does nothing; only two threads that dispose two copies at the same time are not told apart. It may be disposed on another thread than the one that entered.</remarks>
public readonly struct WriteHold : IDisposable, IEntry, IEquatable<WriteHold>
{
    private readonly long _ticket;

    internal WriteHold(SharedReaderWriterLock entered, long ticket)
    {
        Lock = entered;
        _ticket = ticket;
    }

    /// <summary>Gets whether the last writer died inside the lock, and what it left has not been repaired since.</summary>
    public bool OwnerDied => EntryTicket.TellsOfDeath(_ticket);

    internal SharedReaderWriterLock? Lock { get; }

    /// <summary>Marks what the dead writer left as repaired: later entries no longer report the death.</summary>
    /// <exception cref="InvalidOperationException">The hold has been left already, or never entered anything.</exception>
    public void MarkConsistent() => Current().MarkConsistent();

    /// <summary>Closes the lock permanently: every later entry, for reading or writing, throws <see cref="RetiredException"/>.</summary>
    /// <exception cref="InvalidOperationException">The hold has been left already, or never entered anything.</exception>
    /// <exception cref="LockLostException">This process no longer holds the lock.</exception>
    public void Retire() => Current().Retire(_ticket);

    /// <summary>Leaves the lock. After a death without <see cref="MarkConsistent"/>, the next entry reports the death again. Further calls have no effect.</summary>
    /// <exception cref="LockLostException">This process no longer holds the lock.</exception>
    public void Dispose() => Lock?.LeaveWrite(_ticket);

    /// <summary>Whether two holds name the same entry.</summary>
    public bool Equals(WriteHold other) => Lock == other.Lock && _ticket == other._ticket;

    /// <inheritdoc/>
    public override bool Equals(object? obj) => obj is WriteHold other && Equals(other);

    /// <inheritdoc/>
    public override int GetHashCode() => HashCode.Combine(Lock, _ticket);

    /// <summary>Whether two holds name the same entry.</summary>
    public static bool operator ==(WriteHold left, WriteHold right) => left.Equals(right);

    /// <summary>Whether two holds name different entries.</summary>
    public static bool operator !=(WriteHold left, WriteHold right) => !left.Equals(right);

    private SharedReaderWriterLock Current() => Lock is { } entered && entered.IsCurrent(_ticket) ? entered : throw EntryTicket.Spent();
}
