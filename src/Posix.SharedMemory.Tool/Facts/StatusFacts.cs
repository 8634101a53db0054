using System.Diagnostics.CodeAnalysis;

namespace Posix.SharedMemory.Tool;

/// <summary>Everything known of one object, as JSON; what could not be found out is null.</summary>
internal sealed record StatusFacts : ObjectFacts
{
    [SetsRequiredMembers]
    internal StatusFacts(ObjectFacts listed)
        : base(listed)
    {
    }

    public required ulong Device { get; init; }

    public required ulong Inode { get; init; }

    public required DateTimeOffset Accessed { get; init; }

    public required DateTimeOffset Changed { get; init; }

    public required DateTimeOffset? Created { get; init; }

    /// <summary>Gets whether processes hold a membership of the name, so that the last of them removes the name.</summary>
    public required bool? HasMembers { get; init; }

    /// <summary>Gets whether the kernel says that anybody has it open or mapped.</summary>
    public required bool? Held { get; init; }

    public required IReadOnlyList<ByteRange>? AllocatedRanges { get; init; }

    public required IReadOnlyList<HolderFacts>? HeldBy { get; init; }

    /// <summary>Gets the processes of which it is unknown whether they hold it.</summary>
    public required IReadOnlyList<int>? UnreadableProcesses { get; init; }
}
