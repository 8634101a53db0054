namespace Posix.SharedMemory.Inspection;

/// <summary>What happened to a name.</summary>
public enum SharedMemoryChangeKind
{
    /// <summary>An object got the name: it was created, published, or moved here from another directory.</summary>
    Added,

    /// <summary>The name was removed. Processes that have the object open are unaffected.</summary>
    Removed,

    /// <summary>The object was renamed; an object that had the new name lost it. An exchange is two of these changes.</summary>
    Renamed,

    /// <summary>Changes were lost because there were too many: list the whole directory again.</summary>
    Missed,
}
