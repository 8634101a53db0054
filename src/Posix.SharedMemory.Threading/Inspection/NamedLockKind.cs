namespace Posix.SharedMemory.Threading;

/// <summary>What a shared memory object with a name is, as far as this package knows it: <see cref="NamedLockStatus"/>.</summary>
public enum NamedLockKind
{
    /// <summary>A roster without a named lock: a program uses the rest of the object in its own way.</summary>
    Roster,

    /// <summary>A <see cref="NamedMutex"/>.</summary>
    Mutex,

    /// <summary>A <see cref="NamedSemaphore"/>.</summary>
    Semaphore,

    /// <summary>A <see cref="NamedSemaphore"/> whose permits come back when their process dies.</summary>
    ReturningSemaphore,

    /// <summary>A <see cref="NamedEvent"/>.</summary>
    Event,

    /// <summary>A semaphore of the C library, made by <c>sem_open</c> or <see cref="Threading.PosixSemaphore"/>.</summary>
    PosixSemaphore,
}
