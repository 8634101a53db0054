namespace Posix.SharedMemory;

/// <summary>Advice to the kernel about mapped memory: <c>madvise</c>.</summary>
/// <remarks><see href="https://man7.org/linux/man-pages/man2/madvise.2.html">madvise(2)</see>. From <see cref="HugePages"/> on: Linux only.</remarks>
public enum MemoryAdvice
{
    /// <summary>No special treatment (<c>MADV_NORMAL</c>).</summary>
    Normal,

    /// <summary>Pages are accessed in random order: do not read ahead (<c>MADV_RANDOM</c>).</summary>
    Random,

    /// <summary>Pages are accessed one after the other (<c>MADV_SEQUENTIAL</c>).</summary>
    Sequential,

    /// <summary>Pages will be accessed soon: bring them in (<c>MADV_WILLNEED</c>).</summary>
    WillNeed,

    /// <summary>This process does not need the pages now; their contents stay in the object (<c>MADV_DONTNEED</c>). A private mapping loses its own copies.</summary>
    DontNeed,

    /// <summary>Use huge pages if the system allows it (<c>MADV_HUGEPAGE</c>).</summary>
    HugePages,

    /// <summary>Do not use huge pages (<c>MADV_NOHUGEPAGE</c>).</summary>
    NoHugePages,

    /// <summary>Reclaim these pages before others (<c>MADV_COLD</c>, Linux 5.4).</summary>
    Cold,

    /// <summary>Reclaim these pages now: swap them out (<c>MADV_PAGEOUT</c>, Linux 5.4).</summary>
    PageOut,

    /// <summary>Leave the pages out of a core dump (<c>MADV_DONTDUMP</c>).</summary>
    DontDump,

    /// <summary>Include the pages in a core dump again (<c>MADV_DODUMP</c>).</summary>
    DoDump,

    /// <summary>Forked children do not inherit the mapping (<c>MADV_DONTFORK</c>).</summary>
    DontFork,

    /// <summary>Forked children inherit the mapping again (<c>MADV_DOFORK</c>).</summary>
    DoFork,
}
