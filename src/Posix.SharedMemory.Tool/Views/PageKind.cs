namespace Posix.SharedMemory.Tool;

/// <summary>What one sign in a picture of pages stands for.</summary>
internal enum PageKind
{
    /// <summary>None of its pages is there.</summary>
    Absent,

    /// <summary>Some of its pages are there.</summary>
    Partly,

    /// <summary>All of its pages are there; whether in memory or swapped out is not known.</summary>
    Present,

    /// <summary>All of its pages are in memory.</summary>
    Resident,

    /// <summary>All of its pages are in memory, and a process maps them in huge pages.</summary>
    Huge,

    /// <summary>Some of its pages are swapped out.</summary>
    Swapped,
}
