using System.CommandLine;

namespace Posix.SharedMemory.Tool;

/// <summary><c>shm ls</c>: the objects that exist.</summary>
internal sealed class ListCommand : ShmCommand
{
    private readonly Argument<NamePattern?> _pattern = Given.Pattern("A name, or a pattern of * and ?");
    private readonly Option<string> _sort = Given.Choice("--sort", "ORDER", $"Sort by {string.Join(", ", s_orders.Keys)}; by default, name", [.. s_orders.Keys]);
    private readonly Option<bool> _reverse = Given.Flag("--reverse", "Reverse the order", "-r");
    private readonly Option<uint?> _owner = Given.User("--owner", "Only objects of this user");
    private readonly Option<long?> _larger = Given.Size("--larger", "SIZE", "Only objects longer than this");
    private readonly Option<long?> _smaller = Given.Size("--smaller", "SIZE", "Only objects shorter than this");
    private readonly Option<TimeSpan?> _older = Given.Span("--older", "Only objects not written to for this long");
    private readonly Option<TimeSpan?> _newer = Given.Span("--newer", "Only objects written to within this time");
    private readonly Option<bool> _orphaned = Given.Flag("--orphaned", "Only objects that no process uses (confirmed by the kernel)");
    private readonly Option<bool> _bytes = Given.Flag("--bytes", "Print sizes in bytes", "-b");
    private readonly Option<bool> _names = Given.Flag("--names", "Print only the names, one per line", "-1");
    private readonly Option<bool> _anonymous = Given.Flag("--anonymous", "List memory without a name instead (memfd, or unlinked but still in use), and the processes that hold it");
    private readonly Option<bool> _json = Given.Json();

    private static readonly Dictionary<string, Comparison<Row>> s_orders = new(StringComparer.Ordinal)
    {
        ["name"] = (_, _) => 0,
        ["length"] = (one, other) => other.Entry.Length.CompareTo(one.Entry.Length),
        ["allocated"] = (one, other) => other.Entry.AllocatedBytes.CompareTo(one.Entry.AllocatedBytes),
        ["owner"] = (one, other) => one.Entry.UserId.CompareTo(other.Entry.UserId),
        ["holders"] = (one, other) => (other.Holders.Known ?? 0).CompareTo(one.Holders.Known ?? 0),
        ["modified"] = (one, other) => other.Entry.LastWriteTime.CompareTo(one.Entry.LastWriteTime),
    };

    internal ListCommand()
        : base("ls", "List objects: their owner, their size, and how many processes hold each (have it open or mapped).", "shm ls", "shm ls 'frame*' --sort length", "shm ls --orphaned --older 1d --names")
    {
        Add(_pattern);
        foreach (var option in (Option[])[_sort, _reverse, _owner, _larger, _smaller, _older, _newer, _orphaned, _bytes, _names, _anonymous, _json])
        {
            Add(option);
        }

        Validators.Add(result =>
        {
            Option[] allowed = [_anonymous, _bytes, _json];
            var isMore = result.GetResult(_pattern) is { Tokens.Count: > 0 } || Options.Except(allowed).Any(option => result.GetResult(option) is { Implicit: false });
            if (result.GetValue(_anonymous) && isMore)
            {
                result.AddError("--anonymous lists all such memory; it can be combined only with --bytes and --json");
            }
        });
    }

    private sealed record Row(SharedMemoryEntry Entry, HolderCount Holders, ObjectLook? Look);

    protected override int Run(ParseResult given, Terminal terminal)
    {
        if (given.GetValue(_anonymous))
        {
            AnonymousList.Print(terminal, given.GetValue(_json), given.GetValue(_bytes) ? ByteSize.Exact : ByteSize.Short);
            return ExitCode.Done;
        }

        var isOrphaned = given.GetValue(_orphaned);
        var isCounted = !given.GetValue(_names) || given.GetValue(_json) || isOrphaned || given.GetValue(_sort) == "holders";
        var isLookedAt = !given.GetValue(_names) || given.GetValue(_json);
        // All processes are looked at, and only if there is an object to look for.
        var index = new Lazy<SharedMemoryHolderIndex?>(HolderSearch.TryIndex);
        var now = TimeProvider.System.GetUtcNow();
        var isWanted = Filter(given);
        var rows = new List<Row>();
        var (count, unknown) = (0, 0);
        var names = new HashSet<string>(StringComparer.Ordinal);
        foreach (var entry in SharedMemoryDirectory.Enumerate())
        {
            count++;
            names.Add(entry.Name);
            if (isWanted(entry))
            {
                var holders = isCounted ? HolderCount.Of(entry, index.Value?[entry.Identity]) : default;
                unknown += holders.IsHeldOrUnknown is null ? 1 : 0;
                if (!isOrphaned || holders.IsZero)
                {
                    rows.Add(new(entry, holders, isLookedAt ? ObjectLook.Of(entry) : null));
                }
            }
        }

        if (given.GetValue(_pattern) is { IsOneName: true } name && rows.Count == 0)
        {
            // A single name that does not exist is a failure; one that exists but is filtered out is an answer.
            _ = name.Name.Find();
        }

        Sort(given, rows);
        if (given.GetValue(_json))
        {
            JsonFacts.Write(terminal, (IReadOnlyList<ObjectFacts>)rows.ConvertAll(row => ObjectFacts.Of(row.Entry, row.Holders, row.Look!)), json => json.IReadOnlyListObjectFacts);
        }
        else if (given.GetValue(_names))
        {
            rows.ForEach(row => terminal.Out.Write($"{EscapedText.OfName(row.Entry.NameBytes.Span)}\n"));
        }
        else
        {
            Print(terminal, rows, count, now, given.GetValue(_bytes) ? ByteSize.Exact : ByteSize.Short);
            PrintUnknown(terminal, isOrphaned ? unknown : 0);
            if (rows.Count == count)
            {
                PrintHeld(terminal, HeldName.FindAll(names));
            }
        }

        return ExitCode.Done;
    }

    /// <summary>The options that filter objects one by one, combined into one predicate.</summary>
    private Predicate<SharedMemoryEntry> Filter(ParseResult given)
    {
        var now = TimeProvider.System.GetUtcNow();
        var pattern = given.GetValue(_pattern);
        var owner = given.GetValue(_owner);
        var (larger, smaller) = (given.GetValue(_larger), given.GetValue(_smaller));
        var (older, newer) = (given.GetValue(_older) ?? TimeSpan.MinValue, given.GetValue(_newer) ?? TimeSpan.MaxValue);
        return entry => (pattern?.Matches(entry) ?? true)
            && entry.UserId == (owner ?? entry.UserId)
            && !(entry.Length <= larger)
            && !(entry.Length >= smaller)
            && now - entry.LastWriteTime >= older
            && now - entry.LastWriteTime <= newer;
    }

    private void Sort(ParseResult given, List<Row> rows)
    {
        var order = s_orders[given.GetValue(_sort) ?? "name"];
        rows.Sort((one, other) => order(one, other) is var difference and not 0 ? difference : one.Entry.NameBytes.Span.SequenceCompareTo(other.Entry.NameBytes.Span));
        if (given.GetValue(_reverse))
        {
            rows.Reverse();
        }
    }

    private static void Print(Terminal terminal, List<Row> rows, int count, DateTimeOffset now, Func<long, string> size)
    {
        // Most directories have no locks and no channels, and so no columns for them.
        var hasKinds = rows.Exists(row => row.Look?.Kind is not null);
        var hasChannels = rows.Exists(row => row.Look?.Channel is not null);
        Column[] columns =
        [
            new("MODE", Spare: 3), new("OWNER", Spare: 1), new("GROUP", Spare: 5), new("HOLDERS", IsNumber: true), new("LENGTH", IsNumber: true),
            new("ALLOCATED", IsNumber: true, Spare: 4), new("MODIFIED", IsNumber: true, Spare: 2), .. hasKinds ? [new Column("KIND", Spare: 6)] : Array.Empty<Column>(),
            .. hasChannels ? [new Column("FILL", IsNumber: true, Spare: 6), new Column("ENDS", Spare: 6)] : Array.Empty<Column>(), new("NAME"),
        ];
        var table = new Table(columns);
        Accounts.Users.Learn(rows.Select(row => row.Entry.UserId));
        Accounts.Groups.Learn(rows.Select(row => row.Entry.GroupId));
        long length = 0, allocated = 0;
        foreach (var (entry, holders, look) in rows)
        {
            // A sparse object may have the greatest length there is.
            length = long.MaxValue - length < entry.Length ? long.MaxValue : length + entry.Length;
            allocated += entry.AllocatedBytes;
            Cell[] cells =
            [
                ModeText.Letters(entry.Permissions), Accounts.Users.NameOf(entry.UserId), Accounts.Groups.NameOf(entry.GroupId), holders.ToCell(),
                size(entry.Length), size(entry.AllocatedBytes), Age.Since(entry.LastWriteTime, now),
                .. hasKinds ? [(Cell)(look?.Kind?.Replace('_', ' ') ?? (look is { IsKnown: false } ? "?" : ""))] : Array.Empty<Cell>(),
                .. hasChannels ? [(Cell)(look?.Channel?.FillText ?? ""), look?.Channel?.Ends ?? ""] : Array.Empty<Cell>(), EscapedText.OfName(entry.NameBytes.Span),
            ];
            table.Add(cells);
        }

        if (rows.Count > 0)
        {
            table.WriteTo(terminal);
        }

        var what = rows.Count == count ? ByteSize.Count(count, "object") : $"{rows.Count} of {ByteSize.Count(count, "object")}";
        terminal.Out.Write(terminal.Paint($"{what}, {size(length)} long, {size(allocated)} allocated", Ink.Dim) + "\n");
    }

    /// <summary>Objects that were left out although no process may use them.</summary>
    private static void PrintUnknown(Terminal terminal, int count)
    {
        if (count > 0)
        {
            terminal.Out.Write(terminal.Paint($"Not listed: {ByteSize.Count(count, "object")} that a process may use; shm gc says more", Ink.Dim) + "\n");
        }
    }

    /// <summary>Names that a process holds for an object, or left when it was killed: <c>create</c> finds them taken, and they are not objects.</summary>
    private static void PrintHeld(Terminal terminal, IReadOnlyList<HeldName> held)
    {
        if (held.Count > 0)
        {
            terminal.Out.Write(terminal.Paint($"Held for objects that are being moved there, or were: {HeldName.Names(held)}; shm gc says more", Ink.Dim) + "\n");
        }
    }
}
