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

    /// <summary>A sentence about the processes that were not examined and may hold the object too.</summary>
    /// <returns><see langword="null"/> if there are none, or none was found and nothing more can be said.</returns>
    internal static string? Doubt(SharedMemoryHolders holders) => holders switch
    {
        { IsComplete: true } => null,
        { UnreadableProcessIds: [var only] } => $"Process {only} could not be examined and may also hold it.",
        { UnreadableProcessIds.Count: > 1 and var count } => $"{count} processes could not be examined and may also hold it.",
        { Count: > 0 } => "Not every process of this machine can be seen from here; others may also hold it.",
        _ => null,
    };
}
