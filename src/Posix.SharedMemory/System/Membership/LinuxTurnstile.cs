using Microsoft.Win32.SafeHandles;

namespace Posix.SharedMemory;

/// <summary>Where the threads that share one descriptor take turns; its monitor is not the descriptor's, which maps and unmaps must not wait for.</summary>
internal sealed class LinuxTurnstile
{
    /// <summary>
    /// Gets or sets a descriptor of an open of its own, where another process may have the same open as the object's: a lock on that one would not exclude the
    /// two from each other, either could release it, and it would outlive the process that took it. It is kept as long as the object is open,
    /// because closing it gives back every POSIX record lock that this process has on the object.
    /// </summary>
    internal SafeFileHandle? Own { get; set; }

    /// <summary>Gets or sets a descriptor whose file position may be moved. It is kept for the same reason.</summary>
    internal SafeFileHandle? Reader { get; set; }
}
