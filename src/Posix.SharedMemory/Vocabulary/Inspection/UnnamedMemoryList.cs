using System.Collections;

namespace Posix.SharedMemory.Inspection;

/// <summary>Memory without a name in the directory, and the processes that this user may not inspect, which may hold more.</summary>
/// <example>
/// <code>
/// UnnamedMemoryList found = SharedMemoryDirectory.EnumerateUnnamed();
/// Console.WriteLine(found.IsComplete
///     ? $"{found.Count} objects without a name"
///     : $"at least {found.Count} objects without a name; not examined: {string.Join(", ", found.UnreadableProcessIds)}");
/// </code>
/// </example>
public sealed class UnnamedMemoryList : IReadOnlyList<UnnamedMemory>
{
    private readonly IReadOnlyList<UnnamedMemory> _found;

    internal UnnamedMemoryList(IReadOnlyList<UnnamedMemory> found, IReadOnlyList<int> unreadable, bool isComplete)
    {
        _found = found;
        UnreadableProcessIds = unreadable;
        IsComplete = isComplete;
    }

    /// <summary>Gets whether every process of the machine could be inspected; if not, there may be more such memory.</summary>
    /// <remarks>Even then, memory is not found that is held only by a descriptor which waits in a socket to be received.</remarks>
    public bool IsComplete { get; }

    /// <summary>Gets the processes of which it is unknown what they hold, because this user may not inspect them.</summary>
    public IReadOnlyList<int> UnreadableProcessIds { get; }

    /// <summary>Gets how many were found.</summary>
    public int Count => _found.Count;

    /// <summary>Gets one of them.</summary>
    /// <example>
    /// <code>
    /// UnnamedMemoryList found = SharedMemoryDirectory.EnumerateUnnamed();
    /// Console.WriteLine(found.Count == 0 ? "none" : $"the first: {found[0].DebugName}");
    /// </code>
    /// </example>
    public UnnamedMemory this[int index] => _found[index];

    /// <summary>Enumerates them.</summary>
    public IEnumerator<UnnamedMemory> GetEnumerator() => _found.GetEnumerator();

    IEnumerator IEnumerable.GetEnumerator() => GetEnumerator();
}
