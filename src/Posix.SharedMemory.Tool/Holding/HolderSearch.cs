namespace Posix.SharedMemory.Tool;

/// <summary>Looks for holders where the system lets them be found.</summary>
internal static class HolderSearch
{
    /// <summary>Who holds what; <see langword="null"/> where the system does not tell.</summary>
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

    /// <summary>What to say of the processes that could not be looked into.</summary>
    internal static string? Doubt(IReadOnlyList<int> unreadable) => unreadable.Count switch
    {
        0 => null,
        1 => $"Process {unreadable[0]} may not be looked into: it may hold it too.",
        _ => $"{unreadable.Count} processes may not be looked into: they may hold it too.",
    };
}
