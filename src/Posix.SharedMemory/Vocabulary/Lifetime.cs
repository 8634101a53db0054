namespace Posix.SharedMemory;

/// <summary>When an object's name is removed, and by which process.</summary>
public enum Lifetime
{
    /// <summary>The name stays until <c>Unlink</c> is called, as with <c>shm_open</c>.</summary>
    Keep,

    /// <summary>The creator's <c>Dispose</c> removes the name. If that process is killed, or <c>Rename</c> moves the name, the name stays.</summary>
    UnlinkOnDispose,

    /// <summary>
    /// The last member's <c>Dispose</c> removes the name. The kernel ends a process's membership when the process dies, so a killed process
    /// no longer counts. If the last member itself is killed, the name stays until another process becomes a member and leaves. Linux only.
    /// </summary>
    UnlinkOnLastDispose,
}
