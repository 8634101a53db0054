using System.CommandLine;

namespace Posix.SharedMemory.Tool;

/// <summary><c>shm gc</c>: objects that no process uses any more.</summary>
internal sealed class CollectCommand : ShmCommand
{
    private readonly Argument<NamePattern?> _pattern = Given.Pattern("Only objects with this name, or matching this pattern of * and ?");
    private readonly Option<TimeSpan?> _older = Given.Span("--older", "Only objects not written to for this long");
    private readonly Option<bool> _dryRun = Given.Flag("--dry-run", "Only list the objects, which is the default", "-n");
    private readonly Option<bool> _remove = Given.Flag("--remove", "Remove the objects listed", "--yes", "-y");
    private readonly Option<bool> _json = Given.Json();

    internal CollectCommand()
        : base(
            "gc", "List objects that no process uses, and remove them with --remove. Objects that a process may use are counted and kept; --json lists them too, with holders null. Semaphores (sem.*) are left out.",
            "shm gc", "shm gc --older 1d --remove", "shm gc 'worker-*' --remove")
    {
        foreach (var option in (Option[])[_older, _dryRun, _remove, _json])
        {
            Add(option);
        }

        Add(_pattern);
        Validators.Add(result =>
        {
            if (result.GetValue(_dryRun) && result.GetValue(_remove))
            {
                result.AddError("--dry-run and --remove cannot be used together");
            }
        });
    }

    protected override int Run(ParseResult given, Terminal terminal)
    {
        var pattern = given.GetValue(_pattern);
        var now = TimeProvider.System.GetUtcNow();
        var orphans = new List<SharedMemoryEntry>();
        var unknown = new List<SharedMemoryEntry>();
        var examined = 0;
        var index = HolderSearch.TryIndex();
        var names = new HashSet<string>(StringComparer.Ordinal);
        foreach (var entry in SharedMemoryDirectory.Enumerate())
        {
            names.Add(entry.Name);
            if (now - entry.LastWriteTime < (given.GetValue(_older) ?? TimeSpan.MinValue) || !(pattern?.Matches(entry) ?? true))
            {
                continue;
            }

            examined++;
            // An object with members is in use while one of them lives, even if it is stopped or hidden from this user.
            var count = HolderCount.Of(entry, index?[entry.Identity]);
            if (count.IsZero)
            {
                orphans.Add(entry);
            }
            else if (!count.IsHeld)
            {
                unknown.Add(entry);
            }
        }

        orphans.Sort((one, other) => one.NameBytes.Span.SequenceCompareTo(other.NameBytes.Span));
        unknown.Sort((one, other) => one.NameBytes.Span.SequenceCompareTo(other.NameBytes.Span));
        var temporaries = unknown.FindAll(entry => entry.Name.StartsWith(HeldName.TemporaryPrefix, StringComparison.Ordinal));
        // What is removed cannot be read afterwards.
        var looks = (given.GetValue(_json) ? orphans.Concat(unknown) : []).ToDictionary(entry => entry, ObjectLook.Of);
        var removed = (given.GetValue(_remove) ? orphans.FindAll(entry => Remove(terminal, entry)) : []).ToHashSet();
        // All temporary names, and the names that are held for what has one, are examined and removed at once: only where all are meant.
        var isAll = pattern is null && given.GetValue(_older) is null;
        var held = isAll ? HeldName.FindAll(names) : [];
        var gone = isAll && given.GetValue(_remove) && temporaries.Count + held.Count > 0 ? Sweep() : [];
        var swept = temporaries.FindAll(entry => gone.Contains(entry.Name, StringComparer.Ordinal));
        orphans.AddRange(swept);
        removed.UnionWith(swept);
        _ = unknown.RemoveAll(swept.Contains);
        if (given.GetValue(_json))
        {
            // A temporary name that was swept away was in use by no process: the lock of its maker was gone.
            var facts = orphans.Select(entry => new OrphanFacts(ObjectFacts.Of(entry, new(0, IsExact: true), looks[entry]), removed.Contains(entry)))
                .Concat(unknown.Select(entry => new OrphanFacts(ObjectFacts.Of(entry, new(null, IsExact: false), looks[entry]), removed: false)));
            WriteFacts(terminal, facts, held.Select(one => HeldNameFacts.Of(one, gone.Contains(one.Name, StringComparer.Ordinal))));
        }
        else
        {
            Print(terminal, orphans, given.GetValue(_remove) ? removed.Count : null, unknown.Count, examined, now);
            foreach (var one in held)
            {
                terminal.Out.Write($"{EscapedText.Of(one.Name)}: {Fate(one, given.GetValue(_remove), gone)}\n");
            }
        }

        return given.GetValue(_remove) && removed.Count < orphans.Count ? ExitCode.Failed : ExitCode.Done;
    }

    private static void WriteFacts(Terminal terminal, IEnumerable<OrphanFacts> orphans, IEnumerable<HeldNameFacts> held)
    {
        IReadOnlyList<object> all = [.. orphans, .. held];
        JsonFacts.Write(terminal, all, json => json.IReadOnlyListObject);
    }

    /// <summary>What is or becomes of a name that is held for an object.</summary>
    private static string Fate(HeldName held, bool removes, IReadOnlyList<string> gone) =>
        gone.Contains(held.Name, StringComparer.Ordinal) ? "a process was killed while it created an object here; the link that it left was removed"
        : !removes && held.IsAbandoned() ? "a process was killed while it created an object here; use --remove to remove the link that it left"
        : $"{held.Describe()}; shm rm removes what it left";

    /// <summary>Removes the temporary names whose makers were killed, and the links that they left. The lock that a maker has says so also where the kernel does not say whether an object is in use.</summary>
    /// <returns>The names that were removed.</returns>
    private static IReadOnlyList<string> Sweep() => OperatingSystem.IsLinux() ? MappedRegion.RemoveAbandonedTemporaries("/dev/shm") : [];

    private static bool Remove(Terminal terminal, SharedMemoryEntry entry) => terminal.Try(EscapedText.OfName(entry.NameBytes.Span), () =>
    {
        // A process may have opened it since the list was made. Whatever is not certainly unused is left alone.
        var count = HolderCount.Of(entry, holders: null);
        if (!count.IsZero)
        {
            throw new CommandException(count.IsHeld ? "a process has opened it in the meantime; not removed" : "it is unknown whether a process uses it; not removed");
        }

        entry.Unlink();
    });

    private static void Print(Terminal terminal, List<SharedMemoryEntry> orphans, int? removed, int unknown, int examined, DateTimeOffset now)
    {
        var table = new Table(new("OWNER"), new("ALLOCATED", IsNumber: true), new("MODIFIED", IsNumber: true), new("NAME"));
        foreach (var entry in orphans)
        {
            table.Add(
                Accounts.Users.NameOf(entry.UserId), ByteSize.Short(entry.AllocatedBytes), Age.Since(entry.LastWriteTime, now), EscapedText.OfName(entry.NameBytes.Span));
        }

        if (orphans.Count > 0)
        {
            table.WriteTo(terminal);
        }

        terminal.Out.Write(terminal.Paint(Sum(orphans, removed, unknown, examined), Ink.Dim) + "\n");
        if (unknown > 0)
        {
            terminal.Out.Write(terminal.Paint($"Left alone: {ByteSize.Count(unknown, "object")} that a process may use; only the owner or a process with CAP_LEASE can find out, and on an overlay or FUSE nobody can", Ink.Dim) + "\n");
        }
    }

    private static string Sum(List<SharedMemoryEntry> orphans, int? removed, int unknown, int examined)
    {
        if (orphans.Count == 0)
        {
            return examined == 0 ? "Nothing to remove: no object matches"
                : unknown > 0 ? "Nothing to remove: no object is certainly unused" : "Nothing to remove: every object is in use";
        }

        var what = $"{ByteSize.Count(orphans.Count, "object")} in use by no process, {ByteSize.Short(orphans.Sum(entry => entry.AllocatedBytes))}";
        return removed is { } count ? $"{what}; {count} removed" : $"{what}; use --remove to remove {(orphans.Count == 1 ? "it" : "them")}";
    }
}
