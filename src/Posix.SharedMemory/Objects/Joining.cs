namespace Posix.SharedMemory;

/// <summary>When opening an object makes this process a member of it.</summary>
internal enum Joining
{
    /// <summary>If it has members.</summary>
    WithMembers,

    /// <summary>Also if it was left behind: its name is to be removed by somebody, and nobody lives who would.</summary>
    WhenAbandoned,

    /// <summary>Always.</summary>
    Always,
}
