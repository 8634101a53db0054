using System.Collections;

namespace Posix.SharedMemory.Inspection;

/// <summary>The processes that hold an object, and those that this user may not inspect.</summary>
public sealed class SharedMemoryHolders : IReadOnlyList<SharedMemoryHolder>
{
    private readonly IReadOnlyList<SharedMemoryHolder> _holders;

    internal SharedMemoryHolders(IReadOnlyList<SharedMemoryHolder> holders, IReadOnlyList<int> unreadable)
    {
        _holders = holders;
        UnreadableProcessIds = unreadable;
    }

    /// <summary>Gets whether every process that /proc shows could be inspected. It does not show processes of other PID namespaces, or those that the mount hides (<c>hidepid</c>).</summary>
    public bool IsComplete => UnreadableProcessIds.Count == 0;

    /// <summary>Gets the processes that this user may not inspect, so that it is unknown whether they hold the object.</summary>
    public IReadOnlyList<int> UnreadableProcessIds { get; }

    /// <summary>Gets the number of processes known to hold the object.</summary>
    public int Count => _holders.Count;

    /// <summary>Gets one of them.</summary>
    public SharedMemoryHolder this[int index] => _holders[index];

    /// <summary>Enumerates them in the order of their process ids.</summary>
    public IEnumerator<SharedMemoryHolder> GetEnumerator() => _holders.GetEnumerator();

    IEnumerator IEnumerable.GetEnumerator() => GetEnumerator();
}
