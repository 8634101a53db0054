namespace Posix.SharedMemory;

/// <summary>Says in words which seals refused a call.</summary>
internal static class SealRefusal
{
    /// <summary>Returns what a message adds; <see langword="null"/> where no seal is behind the failure.</summary>
    internal static string? Describe(MemorySeals found, string operation) => found == MemorySeals.None
        ? null
        : $"the object is sealed against {Wording(found)}{(operation == "mmap" ? "; it can be mapped with MappingOptions.Access Read" : "")}";

    private static string Wording(MemorySeals seals) => string.Join(" and ", Words(seals));

    private static IEnumerable<string> Words(MemorySeals seals)
    {
        if (seals.HasFlag(MemorySeals.Shrink))
        {
            yield return "shrinking (F_SEAL_SHRINK)";
        }

        if (seals.HasFlag(MemorySeals.Grow))
        {
            yield return "growing (F_SEAL_GROW)";
        }

        if (seals.HasFlag(MemorySeals.Write))
        {
            yield return "writing (F_SEAL_WRITE)";
        }

        if (seals.HasFlag(MemorySeals.FutureWrite))
        {
            yield return "new writers (F_SEAL_FUTURE_WRITE)";
        }

        if (seals.HasFlag(MemorySeals.Exec))
        {
            yield return "changing the execute permissions (F_SEAL_EXEC)";
        }
    }
}
