namespace Posix.SharedMemory.Threading;

/// <summary>A lock was left that this process no longer holds: it was taken for dead, or left the roster inside the lock.</summary>
/// <example>
/// <code>
/// var hold = mutex.Enter();
/// try
/// {
///     hold.Dispose();
/// }
/// catch (LockLostException)
/// {
///     Console.WriteLine("Another process has entered meanwhile: what was done inside may be torn.");
/// }
/// </code>
/// </example>
public sealed class LockLostException : SynchronizationLockException
{
    /// <summary>Describes a lost lock.</summary>
    public LockLostException()
        : base("The lock is no longer held by this process: it was taken for dead meanwhile (by a restore from a checkpoint, for example), or has left the roster inside the lock.")
    {
    }

    /// <summary>Describes a lost lock, in words.</summary>
    public LockLostException(string? message)
        : base(message)
    {
    }

    /// <summary>Describes a lost lock, in words, and why.</summary>
    public LockLostException(string? message, Exception? innerException)
        : base(message, innerException)
    {
    }
}
