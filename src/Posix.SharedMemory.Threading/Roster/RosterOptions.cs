namespace Posix.SharedMemory.Threading;

/// <summary>How a process joins a roster.</summary>
/// <example>
/// <code>
/// using var apart = Roster.Join(map, options: new() { OwnGuard = true });
/// </code>
/// </example>
public sealed record RosterOptions
{
    /// <summary>
    /// Gets whether the roster gets a guard thread of its own: for memory that a process you do not trust may truncate. A truncated roster keeps the kernel
    /// from reading the rest of the guard's list, so with a shared guard your other rosters would not learn of this process's death either.
    /// </summary>
    public bool OwnGuard { get; init; }
}
