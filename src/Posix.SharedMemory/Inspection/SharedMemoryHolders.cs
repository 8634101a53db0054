using System.Collections;

namespace Posix.SharedMemory.Inspection;

/// <summary>The processes found to hold an object, and those that this user may not look into.</summary>
public sealed class SharedMemoryHolders : IReadOnlyList<SharedMemoryHolder>
{
    private readonly IReadOnlyList<SharedMemoryHolder> _holders;

    internal SharedMemoryHolders(IReadOnlyList<SharedMemoryHolder> holders, IReadOnlyList<int> unreadable)
    {
        _holders = holders;
        UnreadableProcessIds = unreadable;
    }

    /// <summary>Gets whether every process that /proc shows could be looked into. Processes of other PID namespaces are not shown, nor those that its mount hides (<c>hidepid</c>).</summary>
    public bool IsComplete => UnreadableProcessIds.Count == 0;

    /// <summary>Gets the processes of which it is unknown whether they hold the object, because this user may not look.</summary>
    public IReadOnlyList<int> UnreadableProcessIds { get; }

    /// <summary>Gets how many processes are known to hold the object.</summary>
    public int Count => _holders.Count;

    /// <summary>Gets one of them.</summary>
    public SharedMemoryHolder this[int index] => _holders[index];

    /// <summary>Walks through them in the order of their process numbers.</summary>
    public IEnumerator<SharedMemoryHolder> GetEnumerator() => _holders.GetEnumerator();

    IEnumerator IEnumerable.GetEnumerator() => GetEnumerator();
}
