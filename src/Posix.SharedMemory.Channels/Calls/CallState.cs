namespace Posix.SharedMemory.Channels;

/// <summary>Where a call of this process is.</summary>
internal enum CallState
{
    /// <summary>In the pool.</summary>
    Free,

    /// <summary>About to begin.</summary>
    New,

    /// <summary>It waits for a place, or for room in the ring.</summary>
    Queued,

    /// <summary>The peer has it, or will find it in the ring.</summary>
    Sent,

    /// <summary>It has been answered, or given up.</summary>
    Over,
}
