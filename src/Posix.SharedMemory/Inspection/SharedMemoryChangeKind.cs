namespace Posix.SharedMemory.Inspection;

/// <summary>What happened to a name.</summary>
public enum SharedMemoryChangeKind
{
    /// <summary>An object got the name: it was made, published, or moved here from elsewhere.</summary>
    Added,

    /// <summary>The name was removed. Who holds the object keeps it.</summary>
    Removed,

    /// <summary>The name was moved to another; an object that had the other lost it. An exchange is two of these.</summary>
    Renamed,

    /// <summary>More happened than the system kept: look at the whole directory again.</summary>
    Missed,
}
