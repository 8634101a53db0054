namespace Posix.SharedMemory;

/// <summary>What a process is whose memory and descriptors cannot be read.</summary>
internal enum LinuxProcessState
{
    /// <summary>It does not exist any more.</summary>
    Gone,

    /// <summary>It is one of the kernel's own, which hold nothing.</summary>
    Kernel,

    /// <summary>Its first thread has ended; others may go on.</summary>
    Ended,

    /// <summary>It runs, and this user may not examine it.</summary>
    Hidden,
}
