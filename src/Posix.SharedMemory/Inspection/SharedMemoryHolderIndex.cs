namespace Posix.SharedMemory.Inspection;

/// <summary>Who held which object while the processes of this machine or container were looked through once.</summary>
public sealed class SharedMemoryHolderIndex
{
    private readonly IReadOnlyDictionary<ObjectIdentity, List<SharedMemoryHolder>> _holders;

    internal SharedMemoryHolderIndex(IReadOnlyDictionary<ObjectIdentity, List<SharedMemoryHolder>> holders, IReadOnlyList<int> unreadable)
    {
        _holders = holders;
        UnreadableProcessIds = unreadable;
    }

    /// <summary>Gets whether every process that /proc shows could be looked into; where not, any object may have more holders.</summary>
    public bool IsComplete => UnreadableProcessIds.Count == 0;

    /// <summary>Gets the processes of which it is unknown what they hold, because this user may not look.</summary>
    public IReadOnlyList<int> UnreadableProcessIds { get; }

    /// <summary>Gets the holders of one object; none are known of an object that is not there.</summary>
    public SharedMemoryHolders this[ObjectIdentity identity] =>
        new(_holders.TryGetValue(identity, out var found) ? found : [], UnreadableProcessIds);
}
