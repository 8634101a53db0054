namespace Posix.SharedMemory;

/// <summary>What decides whether there is enough memory for a reservation.</summary>
public enum MemoryCheck
{
    /// <summary>
    /// An estimate is made first: a request for more than the machine, or this process's control group, appears to have available fails with <see cref="Errno.ENOMEM"/>. Without it the kernel would
    /// end a process instead (the out-of-memory killer).
    /// </summary>
    Estimate,

    /// <summary>
    /// The kernel alone decides. For machines where the estimate is too low, such as ZFS hosts and some containers. If the memory is missing after all, the kernel may
    /// end this process or another one.
    /// </summary>
    None,
}
