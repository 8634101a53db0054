namespace Posix.SharedMemory.Campaign;

/// <summary>What stands in /dev/shm that a campaign has made.</summary>
internal static class Leftovers
{
    private const string TemporaryPrefix = ".shm-publish-";

    /// <summary>Everything whose name begins so, of whatever kind it is.</summary>
    internal static IReadOnlyList<string> Paths(string prefix) =>
        [.. Directory.EnumerateFileSystemEntries("/dev/shm").Where(path => Path.GetFileName(path).StartsWith(prefix, StringComparison.Ordinal))];

    /// <summary>The temporary names of publishers, among those of the whole machine, whose objects are as long as only this campaign makes them.</summary>
    internal static IReadOnlyList<string> TemporariesOf(long length) => Temporaries(entry => entry.Length == length);

    /// <summary>Those that hold a payload of this campaign.</summary>
    internal static IReadOnlyList<string> TemporariesOf(string tag) => Temporaries(entry => HasTag(entry, tag));

    private static List<string> Temporaries(Func<SharedMemoryEntry, bool> isOurs) =>
        [.. SharedMemoryDirectory.Enumerate().Where(entry => entry.Name.StartsWith(TemporaryPrefix, StringComparison.Ordinal) && isOurs(entry)).Select(entry => entry.Name)];

    private static bool HasTag(SharedMemoryEntry entry, string tag)
    {
        try
        {
            using var memory = entry.Open();
            var head = new byte[Payload.HeadBytes];
            return memory.Read(head, 0) == head.Length && Payload.HasTag(head, tag);
        }
        catch (SharedMemoryException)
        {
            return false;
        }
    }
}
