namespace Posix.SharedMemory.Inspection;

/// <summary>A process that has an object mapped or open.</summary>
public sealed record SharedMemoryHolder
{
    /// <summary>Gets the process id, in this process's PID namespace.</summary>
    public required int ProcessId { get; init; }

    /// <summary>Gets the command's short name, at most 15 bytes.</summary>
    public required string Command { get; init; }

    /// <summary>Gets the arguments that the process was started with, or has set since; empty if they cannot be read.</summary>
    public IReadOnlyList<string> CommandLine { get; init; } = [];

    /// <summary>Gets the process's effective user id; <see langword="null"/> if it cannot be read.</summary>
    public uint? UserId { get; init; }

    /// <summary>Gets the process's mappings of the object.</summary>
    public required IReadOnlyList<HeldMapping> Mappings { get; init; }

    /// <summary>Gets the process's descriptors of the object.</summary>
    public required IReadOnlyList<HeldDescriptor> Descriptors { get; init; }

    /// <summary>Gets the widest access of its mappings and descriptors.</summary>
    public FileAccess Access =>
        Mappings.Any(held => held.Access.HasFlag(FileAccess.Write)) || Descriptors.Any(held => held.Access.HasFlag(FileAccess.Write))
            ? FileAccess.ReadWrite
            : FileAccess.Read;

    /// <summary>Describes the process, its mappings and descriptors in one line.</summary>
    public override string ToString() => $"{ProcessId} {Command}: {Mappings.Count} mappings, {Descriptors.Count} descriptors, {Access}";
}
