namespace Posix.SharedMemory.Tool;

/// <summary>How many processes hold an object, as far as that is known.</summary>
/// <param name="Known">How many were found, or 1 if only the kernel says that there is one; <see langword="null"/> if neither is known.</param>
/// <param name="IsExact">Whether there are no others among the processes that can be seen from here.</param>
/// <param name="IsHeld">Whether a process holds it, even if none was found.</param>
internal readonly record struct HolderCount(int? Known, bool IsExact, bool IsHeld = false)
{
    /// <summary>Gets whether the kernel says that no process holds it.</summary>
    internal bool IsZero => Known is 0 && IsExact && !IsHeld;

    /// <summary>Gets whether a process holds it; <see langword="null"/> if that is unknown.</summary>
    internal bool? IsHeldOrUnknown => IsHeld ? true : IsZero ? false : null;

    /// <summary>Counts the holders that were found, and asks the kernel if none was: a search that finds nobody proves nothing, since processes may be hidden.</summary>
    /// <param name="entry">The object.</param>
    /// <param name="holders">The holders found; <see langword="null"/> where the system does not reveal them.</param>
    internal static HolderCount Of(SharedMemoryEntry entry, SharedMemoryHolders? holders) => Of(holders, holders is { Count: > 0 } ? null : AskKernel(entry));

    /// <summary>Counts the holders that were found, with what the kernel says.</summary>
    internal static HolderCount Of(SharedMemoryHolders? holders, bool? confirmed) => holders is { Count: > 0 }
        ? new(holders.Count, holders.IsComplete, IsHeld: true)
        : confirmed switch
        {
            false => new(0, IsExact: true),
            true => new(1, IsExact: false, IsHeld: true),
            null => new(holders?.Count, IsExact: false),
        };

    /// <summary>Whether a process has it open or mapped; <see langword="null"/> if the kernel does not reveal it to this user.</summary>
    internal static bool? AskKernel(SharedMemoryEntry entry)
    {
        try
        {
            return entry.IsHeld();
        }
        catch (Exception e) when (e is SharedMemoryException or PlatformNotSupportedException)
        {
            // Gone meanwhile, another user's, or on a file system that does not report it.
            return null;
        }
    }

    /// <summary>The count; <c>?</c> if nothing is known, <c>2+</c> if there may be more.</summary>
    internal Cell ToCell() => this switch
    {
        { Known: > 0 and var known, IsExact: true } => known,
        { Known: > 0 and var known } => $"{known}+",
        { IsZero: true } => new("0", Ink.Yellow),
        _ => new("?", Ink.Dim),
    };
}
