namespace Posix.SharedMemory.Threading;

/// <summary>A <see cref="SharedReaderWriterLock"/> that was entered for reading. Disposing it leaves.</summary>
/// <remarks>The hold names one entry: a copy of it, or one that is disposed already, does nothing. It may be disposed on another thread than the one that entered.</remarks>
public readonly struct ReadHold : IDisposable, IEquatable<ReadHold>
{
    private readonly long _ticket;

    internal ReadHold(SharedReaderWriterLock entered, long ticket)
    {
        Lock = entered;
        _ticket = ticket;
    }

    /// <summary>Gets whether a writer had died inside the lock, and what it left had not been repaired, when this hold entered: only after <see cref="SharedReaderWriterLock.EnterReadUnrepaired"/> and its like.</summary>
    public bool OwnerDied => ReadTickets.TellsOfDeath(_ticket);

    internal SharedReaderWriterLock? Lock { get; }

    /// <summary>Marks what the dead writer left as whole: later entries no longer report the death. For a reader that has checked what the lock protects; to repair it, enter for writing.</summary>
    /// <exception cref="InvalidOperationException">The hold has been left already, or never entered anything.</exception>
    public void MarkConsistent() => (Lock is { } entered && entered.IsCurrentRead(_ticket) ? entered : throw EntryTicket.Spent()).MarkConsistent();

    /// <summary>Leaves the lock. Further calls have no effect.</summary>
    public void Dispose() => Lock?.LeaveRead(_ticket);

    /// <summary>Whether two holds name the same entry.</summary>
    public bool Equals(ReadHold other) => Lock == other.Lock && _ticket == other._ticket;

    /// <inheritdoc/>
    public override bool Equals(object? obj) => obj is ReadHold other && Equals(other);

    /// <inheritdoc/>
    public override int GetHashCode() => HashCode.Combine(Lock, _ticket);

    /// <summary>Whether two holds name the same entry.</summary>
    public static bool operator ==(ReadHold left, ReadHold right) => left.Equals(right);

    /// <summary>Whether two holds name different entries.</summary>
    public static bool operator !=(ReadHold left, ReadHold right) => !left.Equals(right);
}
