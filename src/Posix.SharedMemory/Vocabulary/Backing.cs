namespace Posix.SharedMemory;

/// <summary>When an object's memory is allocated.</summary>
public enum Backing
{
    /// <summary>Immediately: if there is not enough memory, the call fails with <see cref="Errno.ENOSPC"/>, and touching a page is never a SIGBUS.</summary>
    Reserved,

    /// <summary>Page by page when touched, as after plain <c>ftruncate</c>. If none is left then, the process is ended by SIGBUS.</summary>
    Sparse,
}
