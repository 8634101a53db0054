namespace Posix.SharedMemory.Tool;

/// <summary>Looks for holders on systems that reveal them.</summary>
internal static class HolderSearch
{
    /// <summary>All holders of all objects; <see langword="null"/> where the system does not reveal them.</summary>
    internal static SharedMemoryHolderIndex? TryIndex()
    {
        try
        {
            return SharedMemoryDirectory.IndexHolders();
        }
        catch (PlatformNotSupportedException)
        {
            return null;
        }
    }

    /// <summary>The holders of one object; <see langword="null"/> where the system does not reveal them.</summary>
    internal static SharedMemoryHolders? TryFind(SharedMemoryEntry entry)
    {
        try
        {
            return entry.GetHolders();
        }
        catch (PlatformNotSupportedException)
        {
            return null;
        }
    }

    /// <summary>A sentence about the processes that could not be examined.</summary>
    internal static string? Doubt(IReadOnlyList<int> unreadable) => unreadable.Count switch
    {
        0 => null,
        1 => $"Process {unreadable[0]} could not be examined and may also hold it.",
        _ => $"{unreadable.Count} processes could not be examined and may also hold it.",
    };
}
