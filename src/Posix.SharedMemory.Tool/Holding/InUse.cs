using System.Globalization;

namespace Posix.SharedMemory.Tool;

/// <summary>Keeps a command from harming the processes that use an object.</summary>
internal static class InUse
{
    private const int MostNamed = 5;

    /// <summary>Fails unless it is certain that no process has the object open or mapped.</summary>
    /// <param name="entry">The object.</param>
    /// <param name="holders">The processes found to hold it; <see langword="null"/> where the system does not reveal them.</param>
    /// <exception cref="CommandException">A process holds it, or it is unknown whether one does.</exception>
    /// <exception cref="SharedMemoryException"><see cref="Errno.ENOENT"/>: the object has lost its name meanwhile.</exception>
    internal static void Refuse(SharedMemoryEntry entry, SharedMemoryHolders? holders)
    {
        if (holders is { Count: > 0 })
        {
            throw new CommandException($"in use by {Names(holders)}");
        }

        if (HolderCount.Of(entry, holders) is { IsZero: false } count)
        {
            if (SharedMemoryDirectory.Find(entry.NameBytes.Span)?.Identity != entry.Identity)
            {
                throw new SharedMemoryException(Errno.ENOENT, "shm_unlink", entry.Name);
            }

            throw new CommandException(count.IsHeld ? "in use by a process that cannot be seen from here" : "it is unknown whether a process uses it");
        }
    }

    /// <summary>Says which processes go on using an object that is about to lose its name.</summary>
    /// <returns>A phrase; <see langword="null"/> if none is known.</returns>
    internal static string? AfterItsName(SharedMemoryEntry entry, SharedMemoryHolders? holders) => holders is { Count: > 0 }
        ? $"{Names(holders)} {(holders.Count == 1 ? "goes" : "go")} on using it; its memory is freed when the last process closes it (shm ls --anonymous)"
        : HolderCount.Of(entry, holders).IsHeld ? "a process that cannot be seen from here goes on using it; its memory is freed when the last process closes it"
        : null;

    /// <summary>Finds out who would be killed by SIGBUS if the object were shortened.</summary>
    /// <returns>A phrase for a question or a refusal; <see langword="null"/> if no process is known or suspected to map anything past the new end.</returns>
    internal static string? ByMappingsPast(SharedMemoryEntry entry, long length)
    {
        var kept = KeptBytes(length);
        if (kept >= entry.Length)
        {
            return null;
        }

        var holders = HolderSearch.TryFind(entry);
        // A private mapping loses its pages past the end too.
        var cut = holders?.Where(holder => holder.Mappings.Any(held => held.Length > kept - held.Offset)).ToList() ?? [];
        if (cut.Count > 0)
        {
            return $"{Names(cut)} {(cut.Count == 1 ? "maps" : "map")} bytes past the new end";
        }

        // Holders that were found, and map nothing there, prove nothing about those that may be hidden.
        return holders is { Count: > 0, IsComplete: true } || HolderCount.Of(entry, holders).IsZero
            ? null
            : "a process that cannot be seen from here may map bytes past the new end";
    }

    /// <summary>The last page stays mapped as a whole.</summary>
    private static long KeptBytes(long length)
    {
        var page = Environment.SystemPageSize;
        return length > long.MaxValue - page ? long.MaxValue : (length + page - 1) / page * page;
    }

    private static string Names(IEnumerable<SharedMemoryHolder> holders)
    {
        var all = holders.ToList();
        var named = string.Join(", ", all.Take(MostNamed).Select(holder => string.Create(CultureInfo.InvariantCulture, $"{holder.ProcessId} ({EscapedText.Of(holder.Command)})")));
        return $"{(all.Count == 1 ? "process" : "processes")} {named}{(all.Count > MostNamed ? ", …" : "")}";
    }
}
