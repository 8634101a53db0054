namespace Posix.SharedMemory.Inspection;

/// <summary>The processes that hold each object, found in one pass over the processes of this machine or container.</summary>
public sealed class SharedMemoryHolderIndex
{
    private readonly IReadOnlyDictionary<ObjectIdentity, List<SharedMemoryHolder>> _holders;

    internal SharedMemoryHolderIndex(IReadOnlyDictionary<ObjectIdentity, List<SharedMemoryHolder>> holders, IReadOnlyList<int> unreadable)
    {
        _holders = holders;
        UnreadableProcessIds = unreadable;
    }

    /// <summary>Gets whether every process that /proc shows could be inspected. If not, any object may have more holders.</summary>
    public bool IsComplete => UnreadableProcessIds.Count == 0;

    /// <summary>Gets the processes that this user may not inspect, so that it is unknown what they hold.</summary>
    public IReadOnlyList<int> UnreadableProcessIds { get; }

    /// <summary>Gets the holders of one object; empty for an object that does not exist.</summary>
    public SharedMemoryHolders this[ObjectIdentity identity] =>
        new(_holders.TryGetValue(identity, out var found) ? found : [], UnreadableProcessIds);
}
