namespace Posix.SharedMemory.Threading;

/// <summary>A lock was closed permanently by <see cref="MutexHold.Retire"/>: no process can enter it again.</summary>
/// <example>
/// <code>
/// try
/// {
///     using var hold = mutex.Enter();
/// }
/// catch (RetiredException)
/// {
///     Console.WriteLine("What the lock protects cannot be repaired: it needs new memory.");
/// }
/// </code>
/// </example>
public sealed class RetiredException : Exception
{
    /// <summary>Describes a retired lock.</summary>
    public RetiredException()
        : base("The lock was retired: nobody can enter it again. Whoever retired it found that what it protects cannot be repaired.")
    {
    }

    /// <summary>Describes a retired lock, in words.</summary>
    public RetiredException(string message)
        : base(message)
    {
    }

    /// <summary>Describes a retired lock, in words, and why.</summary>
    public RetiredException(string message, Exception? innerException)
        : base(message, innerException)
    {
    }
}
