namespace Posix.SharedMemory.Threading;

/// <summary>What one attempt, or a whole wait, came to.</summary>
internal enum WaitOutcome
{
    /// <summary>Not yet: sleep on the words in the list.</summary>
    Pending,

    /// <summary>What was waited for is there, and taken if it can be taken.</summary>
    Taken,

    /// <summary>A lock was entered whose last owner died, or whose state nobody has repaired since.</summary>
    TakenUnrepaired,

    /// <summary>The lock was retired, or the work is done: nobody enters any more.</summary>
    Closed,

    /// <summary>The deadline passed.</summary>
    TimedOut,
}
