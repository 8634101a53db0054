using System.Diagnostics.CodeAnalysis;

namespace Posix.SharedMemory.Tool;

/// <summary>An object that nobody holds, as JSON.</summary>
internal sealed record OrphanFacts : ObjectFacts
{
    [SetsRequiredMembers]
    internal OrphanFacts(ObjectFacts listed, bool removed)
        : base(listed) => Removed = removed;

    /// <summary>Gets whether it has just been removed.</summary>
    public bool Removed { get; }
}
