using System.CommandLine;

namespace Posix.SharedMemory.Tool;

/// <summary><c>shm gc</c>: objects that nobody holds any more.</summary>
internal sealed class CollectCommand : ShmCommand
{
    private readonly Argument<NamePattern?> _pattern = Given.Pattern("Only these: a name, or a pattern with * and ?");
    private readonly Option<TimeSpan?> _older = Given.Span("--older", "Only those not written for this long");
    private readonly Option<bool> _dryRun = Given.Flag("--dry-run", "Only list them, which is the default", "-n");
    private readonly Option<bool> _remove = Given.Flag("--remove", "Remove them", "--yes", "-y");
    private readonly Option<bool> _json = Given.Json();

    internal CollectCommand()
        : base(
            "gc", "List objects that nobody holds, and remove them if told to. Semaphores (sem.*) are left out.",
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
                result.AddError("--dry-run and --remove exclude each other");
            }
        });
    }

    protected override int Run(ParseResult given, Terminal terminal)
    {
        var pattern = given.GetValue(_pattern);
        var now = TimeProvider.System.GetUtcNow();
        var orphans = new List<SharedMemoryEntry>();
        var unknown = 0;
        var index = HolderSearch.TryIndex();
        foreach (var entry in SharedMemoryDirectory.Enumerate())
        {
            if (now - entry.LastWriteTime < (given.GetValue(_older) ?? TimeSpan.MinValue) || !(pattern?.Matches(entry) ?? true))
            {
                continue;
            }

            // An object that users lease is alive while one of them is, also where they pause or may not be looked into.
            var count = HolderCount.Of(entry, index?[entry.Identity], mustBeCertain: true);
            if (count.IsZero)
            {
                orphans.Add(entry);
            }
            else
            {
                unknown += count.IsHeld ? 0 : 1;
            }
        }

        orphans.Sort((one, other) => one.NameBytes.Span.SequenceCompareTo(other.NameBytes.Span));
        var removed = (given.GetValue(_remove) ? orphans.FindAll(entry => Remove(terminal, entry)) : []).ToHashSet();
        if (given.GetValue(_json))
        {
            JsonFacts.Write(
                terminal,
                (IReadOnlyList<OrphanFacts>)orphans.ConvertAll(entry => new OrphanFacts(ObjectFacts.Of(entry, new(0, IsExact: true)), removed.Contains(entry))),
                json => json.IReadOnlyListOrphanFacts);
        }
        else
        {
            Print(terminal, orphans, given.GetValue(_remove) ? removed.Count : null, unknown, now);
        }

        return given.GetValue(_remove) && removed.Count < orphans.Count ? ExitCode.Failed : ExitCode.Done;
    }

    private static bool Remove(Terminal terminal, SharedMemoryEntry entry) => terminal.Try(EscapedText.OfName(entry.NameBytes.Span), () =>
    {
        // Somebody may have come since they were listed. What cannot be known for certain is left alone.
        var count = HolderCount.Of(entry, holders: null, mustBeCertain: true);
        if (!count.IsZero)
        {
            throw new CommandException(count.IsHeld ? "somebody holds it by now" : "it is gone, or the kernel no longer tells whether somebody holds it");
        }

        entry.Unlink();
    });

    private static void Print(Terminal terminal, List<SharedMemoryEntry> orphans, int? removed, int unknown, DateTimeOffset now)
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

        terminal.Out.Write(terminal.Paint(Sum(orphans, removed), Ink.Dim) + "\n");
        if (unknown > 0)
        {
            terminal.Out.Write(terminal.Paint($"{(orphans.Count == 0 ? ByteSize.Count(unknown, "object") : $"{unknown} more")} that other users' processes may hold, and only their owners or a process with CAP_LEASE can tell: left alone", Ink.Dim) + "\n");
        }
    }

    private static string Sum(List<SharedMemoryEntry> orphans, int? removed)
    {
        if (orphans.Count == 0)
        {
            return "No object that nobody holds";
        }

        var what = $"{ByteSize.Count(orphans.Count, "object")} that nobody holds, {ByteSize.Short(orphans.Sum(entry => entry.AllocatedBytes))}";
        return removed is { } count ? $"{what}; {count} removed" : $"{what}; --remove removes {(orphans.Count == 1 ? "it" : "them")}";
    }
}
