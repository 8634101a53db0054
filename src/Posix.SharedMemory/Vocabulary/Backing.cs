namespace Posix.SharedMemory;

/// <summary>When the memory behind an object is taken from the system.</summary>
public enum Backing
{
    /// <summary>At once: no memory left is <see cref="Errno.ENOSPC"/> here and now, not SIGBUS at the first touch.</summary>
    Reserved,

    /// <summary>Page by page as it is touched, as plain <c>ftruncate</c> leaves it.</summary>
    Sparse,
}
