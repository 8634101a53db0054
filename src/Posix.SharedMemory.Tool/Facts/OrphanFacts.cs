using System.Diagnostics.CodeAnalysis;

namespace Posix.SharedMemory.Tool;

/// <summary>An object that no process uses, or of which that is unknown (<c>holders</c> is null), as JSON.</summary>
internal sealed record OrphanFacts : ObjectFacts
{
    [SetsRequiredMembers]
    internal OrphanFacts(ObjectFacts listed, bool removed)
        : base(listed) => Removed = removed;

    /// <summary>Gets whether the command has just removed it.</summary>
    public bool Removed { get; }
}
