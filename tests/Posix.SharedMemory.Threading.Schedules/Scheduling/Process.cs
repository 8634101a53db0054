namespace Posix.SharedMemory.Threading.Schedules;

/// <summary>A participant with a mapping of its own, which may be killed.</summary>
internal sealed class Process(int number, MemoryMapping mapping, Roster roster)
{
    internal int Number => number;

    internal MemoryMapping Mapping => mapping;

    internal Roster Roster => roster;

    internal Participant Self { get; } = roster.Self;

    /// <summary>Gets or sets whether it was killed: it stops at some instant, and the kernel marks its seat at some instant.</summary>
    internal bool IsKilled { get; set; }

    /// <summary>Gets or sets whether its threads have stopped.</summary>
    internal bool IsStopped { get; set; }
}
