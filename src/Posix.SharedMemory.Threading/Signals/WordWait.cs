namespace Posix.SharedMemory.Threading;

/// <summary>How a wait for a word ended.</summary>
public enum WordWait
{
    /// <summary>The word no longer has the value.</summary>
    Changed,

    /// <summary>The timeout passed.</summary>
    TimedOut,
}
