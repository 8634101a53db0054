namespace Posix.SharedMemory.Inspection;

/// <summary>The processes that hold each object, found in one pass over the processes of this machine or container.</summary>
public sealed class SharedMemoryHolderIndex
{
    private readonly IReadOnlyDictionary<ObjectIdentity, List<SharedMemoryHolder>> _holders;

    internal SharedMemoryHolderIndex(IReadOnlyDictionary<ObjectIdentity, List<SharedMemoryHolder>> holders, IReadOnlyList<int> unreadable, bool seesAll)
    {
        _holders = holders;
        UnreadableProcessIds = unreadable;
        IsComplete = seesAll && unreadable.Count == 0;
    }

    /// <summary>Gets whether every process of the machine could be inspected; if not, any object may have more holders.</summary>
    /// <remarks>
    /// Even then, an object of which no holder was found may be held: by a descriptor that waits in a socket, by a loop device, or by a process that opened it
    /// after the pass. <see cref="SharedMemoryEntry.GetHolders"/> and <see cref="SharedMemoryEntry.IsHeld"/> ask the kernel.
    /// </remarks>
    public bool IsComplete { get; }

    /// <summary>Gets the processes of which it is unknown what they hold, because this user may not inspect them.</summary>
    public IReadOnlyList<int> UnreadableProcessIds { get; }

    /// <summary>Gets the holders that were found of one object. An empty list is never complete: that nothing was found does not prove that nothing holds the object.</summary>
    public SharedMemoryHolders this[ObjectIdentity identity] =>
        _holders.TryGetValue(identity, out var found) ? new(found, UnreadableProcessIds, IsComplete) : new([], UnreadableProcessIds, isComplete: false);
}
