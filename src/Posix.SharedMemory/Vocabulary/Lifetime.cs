namespace Posix.SharedMemory;

/// <summary>Who removes an object's name.</summary>
public enum Lifetime
{
    /// <summary>Nobody, until someone calls <c>Unlink</c>: as <c>shm_open</c> leaves it.</summary>
    Keep,

    /// <summary>The process that created the object, when it disposes the object. If it is killed, or the name is moved by <c>Rename</c>, the name stays.</summary>
    UnlinkOnDispose,

    /// <summary>
    /// The last process to dispose it. Each user holds a membership that the kernel drops when the process dies, so a crash
    /// never counts as a user. If the very last one is killed, the name stays, and goes with the next user that leaves in order. Linux.
    /// </summary>
    UnlinkOnLastDispose,
}
