namespace Posix.SharedMemory.Inspection;

/// <summary>Where the memory of a page is.</summary>
public enum PageState
{
    /// <summary>There is none: the page reads as zero, and the first store into it takes memory.</summary>
    Absent,

    /// <summary>There is some; the system does not tell this user whether it is in memory or swapped out.</summary>
    Present,

    /// <summary>It is in memory.</summary>
    Resident,

    /// <summary>It is swapped out: the next access waits for the disk.</summary>
    Swapped,
}
