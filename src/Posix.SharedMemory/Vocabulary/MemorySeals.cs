namespace Posix.SharedMemory;

/// <summary>Operations that no process can perform on an object any more: <c>F_SEAL_…</c>. A seal cannot be removed.</summary>
/// <remarks>The numbers are Linux's. <see href="https://man7.org/linux/man-pages/man2/F_GET_SEALS.2const.html">F_GET_SEALS(2const)</see></remarks>
[Flags]
public enum MemorySeals
{
    /// <summary>Nothing is sealed.</summary>
    None = 0,

    /// <summary>No seal can be added (<c>F_SEAL_SEAL</c>). Every named object has this one.</summary>
    Seal = 1,

    /// <summary>The object cannot become shorter (<c>F_SEAL_SHRINK</c>), so mapped pages cannot disappear.</summary>
    Shrink = 2,

    /// <summary>The object cannot become longer (<c>F_SEAL_GROW</c>).</summary>
    Grow = 4,

    /// <summary>The bytes cannot change (<c>F_SEAL_WRITE</c>). It cannot be added while any process has a shared mapping, even a read-only one, that was made through a descriptor open for writing.</summary>
    Write = 8,

    /// <summary>No process can start to write (<c>F_SEAL_FUTURE_WRITE</c>, Linux 5.1); only existing writable mappings still can.</summary>
    FutureWrite = 0x10,

    /// <summary>The execute permissions cannot change (<c>F_SEAL_EXEC</c>, Linux 6.3).</summary>
    Exec = 0x20,
}
