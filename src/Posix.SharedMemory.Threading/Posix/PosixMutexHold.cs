namespace Posix.SharedMemory.Threading;

/// <summary>A <see cref="PosixMutex"/> that was entered. Disposing it leaves.</summary>
/// <remarks>
/// POSIX binds a mutex to the thread that enters it, so a hold cannot leave its thread: it lives on the stack, and the compiler refuses an <see langword="await"/> while it is
/// needed. The hold names one entry: a copy of it, or one that is disposed already, does nothing.
/// </remarks>
public readonly ref struct PosixMutexHold : IDisposable
{
    private readonly long _ticket;

    internal PosixMutexHold(PosixMutex mutex, long ticket)
    {
        Mutex = mutex;
        _ticket = ticket;
    }

    /// <summary>Gets whether the last owner died inside (<c>EOWNERDEAD</c>), and what it left has not been repaired since.</summary>
    public bool OwnerDied => EntryTicket.TellsOfDeath(_ticket);

    internal PosixMutex? Mutex { get; }

    /// <summary>Marks what the dead owner left as repaired: later entries no longer report the death. Without a death it has no effect.</summary>
    /// <exception cref="InvalidOperationException">The hold has been left already, or never entered anything.</exception>
    /// <remarks><see href="https://man7.org/linux/man-pages/man3/pthread_mutex_consistent.3.html">pthread_mutex_consistent(3)</see></remarks>
    public void MarkConsistent() => Current().MarkConsistent();

    /// <summary>Closes the mutex permanently, because what it protects cannot be repaired: every later entry throws <see cref="RetiredException"/>, and a C program gets <c>ENOTRECOVERABLE</c>.</summary>
    /// <exception cref="InvalidOperationException">
    /// The hold has been left already, or no owner has died: POSIX knows no way to retire a mutex in good order.
    /// </exception>
    /// <exception cref="LockLostException">This thread no longer holds the mutex.</exception>
    public void Retire() => Current().Retire(_ticket);

    /// <summary>Leaves the mutex. After a death without <see cref="MarkConsistent"/>, the next entry reports the death again. Further calls have no effect.</summary>
    /// <exception cref="LockLostException">This thread no longer holds the mutex.</exception>
    public void Dispose() => Mutex?.Leave(_ticket);

    private PosixMutex Current() => Mutex is { } entered && entered.IsCurrent(_ticket) ? entered : throw EntryTicket.Spent();
}
