namespace Posix.SharedMemory.Tool;

/// <summary>How many processes hold an object, as far as it can be known.</summary>
/// <param name="Known">Those that were found, or the one that there is by the kernel's word; <see langword="null"/> where the system does not tell.</param>
/// <param name="IsExact">Whether there are no others among the processes that can be seen from here.</param>
/// <param name="IsHeld">Whether somebody does, even if nobody was found.</param>
internal readonly record struct HolderCount(int? Known, bool IsExact, bool IsHeld = false)
{
    // The kernel's number of the PID namespace that all others are in (PROC_PID_INIT_INO).
    private const string InitialNamespace = "pid:[4026531836]";

    /// <summary>Whether /proc can show every process there is: from a container, those outside are not even seen, and may share the objects.</summary>
    private static readonly Lazy<bool> s_seesAll = new(() => new FileInfo("/proc/self/ns/pid").LinkTarget == InitialNamespace);

    /// <summary>Gets whether nobody holds it, for certain.</summary>
    internal bool IsZero => Known is null or 0 && IsExact && !IsHeld;

    /// <summary>Counts what a walk through the processes found, and asks the kernel where that cannot say "nobody".</summary>
    /// <param name="mustBeCertain">Whether to ask the kernel in any case: somebody may have come since the walk.</param>
    internal static HolderCount Of(SharedMemoryEntry entry, SharedMemoryHolders? holders, bool mustBeCertain = false)
    {
        if (holders is { Count: > 0 })
        {
            return new(holders.Count, holders.IsComplete, IsHeld: true);
        }

        if (holders is { IsComplete: true } && s_seesAll.Value && !mustBeCertain)
        {
            return new(0, IsExact: true);
        }

        return AskKernel(entry) switch
        {
            false => new(0, IsExact: true),
            true => new(1, IsExact: false, IsHeld: true),
            null => new(holders?.Count, IsExact: false),
        };
    }

    /// <summary>Whether anybody has it open or mapped; <see langword="null"/> where this user is not told.</summary>
    private static bool? AskKernel(SharedMemoryEntry entry)
    {
        try
        {
            return entry.IsHeld();
        }
        catch (SharedMemoryException)
        {
            // Gone meanwhile, or none of this user's.
            return null;
        }
    }

    /// <summary>The count; <c>?</c> where nothing is known, <c>2+</c> where there may be more.</summary>
    internal Cell ToCell() => this switch
    {
        { Known: > 0 and var known, IsExact: true } => known,
        { Known: > 0 and var known } => $"{known}+",
        { IsExact: true } => new("0", Ink.Yellow),
        _ => new("?", Ink.Dim),
    };
}
