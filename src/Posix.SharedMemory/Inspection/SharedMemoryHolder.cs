namespace Posix.SharedMemory.Inspection;

/// <summary>A process that maps an object or has it open.</summary>
public sealed record SharedMemoryHolder
{
    /// <summary>Gets the process's number in this process's PID namespace.</summary>
    public required int ProcessId { get; init; }

    /// <summary>Gets the command's short name, at most 15 bytes of it.</summary>
    public required string Command { get; init; }

    /// <summary>Gets the words the process was started with, or has put in their place; empty if they cannot be read.</summary>
    public IReadOnlyList<string> CommandLine { get; init; } = [];

    /// <summary>Gets the user as whom the process acts; <see langword="null"/> where it cannot be read.</summary>
    public uint? UserId { get; init; }

    /// <summary>Gets where the process maps the object.</summary>
    public required IReadOnlyList<HeldMapping> Mappings { get; init; }

    /// <summary>Gets the descriptors by which the process has the object open.</summary>
    public required IReadOnlyList<HeldDescriptor> Descriptors { get; init; }

    /// <summary>Gets the most that the process may do with what it holds now.</summary>
    public FileAccess Access =>
        Mappings.Any(held => held.Access.HasFlag(FileAccess.Write)) || Descriptors.Any(held => held.Access.HasFlag(FileAccess.Write))
            ? FileAccess.ReadWrite
            : FileAccess.Read;

    /// <summary>The process, what it holds and what for, in one line.</summary>
    public override string ToString() => $"{ProcessId} {Command}: {Mappings.Count} mappings, {Descriptors.Count} descriptors, {Access}";
}
