using System.Collections;

namespace Posix.SharedMemory.Inspection;

/// <summary>The processes that hold an object, and those that this user may not inspect.</summary>
public sealed class SharedMemoryHolders : IReadOnlyList<SharedMemoryHolder>
{
    private readonly IReadOnlyList<SharedMemoryHolder> _holders;

    internal SharedMemoryHolders(IReadOnlyList<SharedMemoryHolder> holders, IReadOnlyList<int> unreadable, bool isComplete)
    {
        _holders = holders;
        UnreadableProcessIds = unreadable;
        IsComplete = isComplete;
    }

    /// <summary>Gets whether these are all processes that hold the object. If not, there may be others, also where <see cref="Count"/> is 0.</summary>
    /// <remarks>
    /// An empty list is complete only if the kernel confirms that nothing holds the object (<see cref="SharedMemoryEntry.IsHeld"/>). A list with processes in it is complete if every process
    /// of the machine could be inspected: /proc shows all of them only in the initial PID namespace and without <c>hidepid</c>. A descriptor that waits in a socket to be received, a file
    /// that is registered with an io_uring, and a loop device are in no process's table of descriptors: they are not in the list, but <see cref="SharedMemoryEntry.IsHeld"/> counts them.
    /// </remarks>
    public bool IsComplete { get; }

    /// <summary>Gets the processes of which it is unknown whether they hold the object, because this user may not inspect them.</summary>
    public IReadOnlyList<int> UnreadableProcessIds { get; }

    /// <summary>Gets the number of processes known to hold the object.</summary>
    public int Count => _holders.Count;

    /// <summary>Gets one of them.</summary>
    public SharedMemoryHolder this[int index] => _holders[index];

    /// <summary>Enumerates them in the order of their process ids.</summary>
    public IEnumerator<SharedMemoryHolder> GetEnumerator() => _holders.GetEnumerator();

    IEnumerator IEnumerable.GetEnumerator() => GetEnumerator();

    /// <summary>The same list, complete if it is empty and the kernel says that nothing holds the object.</summary>
    internal SharedMemoryHolders Confirmed(Func<bool?> isHeld) => Count > 0 ? this : new(_holders, UnreadableProcessIds, isHeld() is false);
}
