namespace Posix.SharedMemory.Inspection;

/// <summary>Where the memory of a page is.</summary>
public enum PageState
{
    /// <summary>The page has no memory: it reads as zero, and the first store allocates it.</summary>
    Absent,

    /// <summary>The page has memory, but this user cannot see whether it is in memory or swapped out.</summary>
    Present,

    /// <summary>The page is in memory.</summary>
    Resident,

    /// <summary>The page is swapped out: the next access waits for the disk.</summary>
    Swapped,
}
