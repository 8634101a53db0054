using System.Diagnostics.CodeAnalysis;

namespace Posix.SharedMemory.Tool;

/// <summary>Everything that is known about one object, as JSON; what is unknown is null.</summary>
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

    /// <summary>Gets whether a process has it open or mapped: one was found, or the kernel says so; null if that is unknown.</summary>
    public required bool? Held { get; init; }

    /// <summary>Gets what a named lock, a roster or a POSIX semaphore shows; null if it is none.</summary>
    public required LockFacts? Lock { get; init; }

    /// <summary>Gets what a channel shows; null if it is none.</summary>
    public required ChannelFacts? Channel { get; init; }

    public required IReadOnlyList<ByteRange>? AllocatedRanges { get; init; }

    public required IReadOnlyList<HolderFacts>? HeldBy { get; init; }

    /// <summary>Gets the processes that could not be examined.</summary>
    public required IReadOnlyList<int>? UnreadableProcesses { get; init; }
}
