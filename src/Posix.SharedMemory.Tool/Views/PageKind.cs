namespace Posix.SharedMemory.Tool;

/// <summary>What one character in a picture of pages stands for.</summary>
internal enum PageKind
{
    /// <summary>None of its pages is allocated.</summary>
    Absent,

    /// <summary>Some of its pages are allocated.</summary>
    Partly,

    /// <summary>All of its pages are allocated; whether they are in memory or swapped out is unknown.</summary>
    Present,

    /// <summary>All of its pages are in memory.</summary>
    Resident,

    /// <summary>All of its pages are in memory, and a process maps them in huge pages.</summary>
    Huge,

    /// <summary>Some of its pages are swapped out.</summary>
    Swapped,
}
