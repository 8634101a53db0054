namespace Posix.SharedMemory.Threading;

/// <summary>How a phase of a barrier ended for a participant.</summary>
public enum BarrierResult
{
    /// <summary>All have arrived.</summary>
    Passed,

    /// <summary>All have arrived, and this one was the last: for work that one of them does.</summary>
    Last,

    /// <summary>A member died before it arrived. All that were present learn of it at once; the barrier counts on without it.</summary>
    Broken,
}
