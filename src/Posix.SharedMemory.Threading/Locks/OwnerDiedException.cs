namespace Posix.SharedMemory.Threading;

/// <summary>
/// The last owner of a lock died inside it, and what it left has not been repaired. The lock is not held: enter with a repair, or by
/// <see cref="SharedMutex.EnterUnrepaired"/>.
/// </summary>
/// <example>
/// <code>
/// try
/// {
///     using var hold = mutex.Enter();
/// }
/// catch (OwnerDiedException e)
/// {
///     Console.WriteLine($"Process {(e.Dead is { } dead ? roster.GetProcessId(dead) : null)} died inside.");
/// }
/// </code>
/// </example>
public sealed class OwnerDiedException : Exception
{
    private const string Text =
        "The last owner of the lock died inside it, and what it protects has not been repaired since. The lock was not entered: enter it with a repair, or by EnterUnrepaired.";

    /// <summary>Describes a death.</summary>
    public OwnerDiedException()
        : base(Text)
    {
    }

    /// <summary>Describes a death, in words.</summary>
    public OwnerDiedException(string message)
        : base(message)
    {
    }

    /// <summary>Describes a death, in words, and why.</summary>
    public OwnerDiedException(string message, Exception? innerException)
        : base(message, innerException)
    {
    }

    internal OwnerDiedException(in WaitState state)
        : base(Text) => Dead = state.Dead == 0 ? null : new Participant(state.Dead);

    /// <summary>Gets the participant that died; <see langword="null"/>: another process found the death first.</summary>
    public Participant? Dead { get; }
}
