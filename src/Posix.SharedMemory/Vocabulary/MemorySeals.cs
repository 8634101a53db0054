namespace Posix.SharedMemory;

/// <summary>What can no longer be done to an object, by anybody: <c>F_SEAL_…</c>. A seal is never taken away again.</summary>
/// <remarks>The numbers are Linux's. <see href="https://man7.org/linux/man-pages/man2/F_GET_SEALS.2const.html">F_GET_SEALS(2const)</see></remarks>
[Flags]
public enum MemorySeals
{
    /// <summary>Nothing is sealed.</summary>
    None = 0,

    /// <summary>No seal can be added (<c>F_SEAL_SEAL</c>). Every named object has this one.</summary>
    Seal = 1,

    /// <summary>The object cannot become shorter (<c>F_SEAL_SHRINK</c>): what is mapped of it stays.</summary>
    Shrink = 2,

    /// <summary>The object cannot become longer (<c>F_SEAL_GROW</c>).</summary>
    Grow = 4,

    /// <summary>The bytes cannot change (<c>F_SEAL_WRITE</c>). It cannot be added while a shared mapping exists anywhere that was made through a descriptor open for writing, also one for reading only.</summary>
    Write = 8,

    /// <summary>Nobody can begin to write (<c>F_SEAL_FUTURE_WRITE</c>, Linux 5.1): only mappings that are writable now still can.</summary>
    FutureWrite = 0x10,

    /// <summary>The permissions to execute cannot change (<c>F_SEAL_EXEC</c>, Linux 6.3).</summary>
    Exec = 0x20,
}
