using System.Globalization;

namespace Posix.SharedMemory.Tool;

/// <summary>Reports what happens to one object. Between two looks it does not have the object open: watching is not holding.</summary>
internal sealed class ObjectWatcher(GivenName name, EventPrinter printer, bool looksAtBytes)
{
    private const int MostRanges = 64;

    private byte[] _name = name.Bytes.ToArray();
    private SharedMemoryEntry? _entry;
    private Dictionary<int, SharedMemoryHolder> _holders = [];
    private ByteMemory? _bytes;
    private Errno _obstacle;

    internal void Run(TimeSpan interval, CancellationToken ended)
    {
        using var events = new NameEvents(interval);
        Begin("started", name.Find());
        while (!printer.IsEnough)
        {
            // Other names change too; the object is checked earlier only if the kernel reports a change of this one.
            var next = TimeProvider.System.GetTimestamp();
            for (var rest = interval; rest > TimeSpan.Zero; rest = interval - TimeProvider.System.GetElapsedTime(next))
            {
                if (events.Next(rest, ended) is { } change && Concerns(change))
                {
                    break;
                }
            }

            Look(events, ended);
        }
    }

    private bool Concerns(SharedMemoryChange change)
    {
        if (change.Kind == SharedMemoryChangeKind.Renamed && change.OldNameBytes.Span.SequenceEqual(_name) && _entry is not null)
        {
            Follow(change.NameBytes);
            return true;
        }

        return change.Kind == SharedMemoryChangeKind.Missed || change.NameBytes.Span.SequenceEqual(_name);
    }

    /// <summary>Continues with the object under its new name.</summary>
    private void Follow(ReadOnlyMemory<byte> to)
    {
        var old = _name;
        _name = to.ToArray();
        Print(new() { Time = Now(), Event = "renamed", OldName = NameText.Raw(old), OldEscaped = NameText.EscapedOrNull(old) });
    }

    private void Look(NameEvents events, CancellationToken ended)
    {
        var now = SharedMemoryDirectory.Find(_name);
        if (now is null)
        {
            // It may have been renamed just now: then the kernel has reported it, and the object is not gone.
            while (events.Next(TimeSpan.Zero, ended) is { } change)
            {
                Concerns(change);
            }

            now = SharedMemoryDirectory.Find(_name);
        }

        if (now is null && _entry is { } lost && SharedMemoryDirectory.Enumerate().FirstOrDefault(entry => entry.Identity == lost.Identity) is { } moved)
        {
            // The kernel does not report names here, or not all of them, since too many changed at once.
            Follow(moved.NameBytes);
            now = moved;
        }

        if (now is null)
        {
            if (_entry is not null)
            {
                Print(new() { Time = Now(), Event = "removed" });
            }

            (_entry, _holders, _bytes) = (null, [], null);
            return;
        }

        if (_entry is not { } before || before.Identity != now.Identity)
        {
            Begin(_entry is null ? "added" : "replaced", now);
            return;
        }

        _entry = now;
        if (before.Length != now.Length)
        {
            Print(new() { Time = Now(), Event = "length", OldLength = before.Length, Length = now.Length });
        }

        if (before.Permissions != now.Permissions)
        {
            Print(new() { Time = Now(), Event = "mode", Mode = ModeText.Octal(now.Permissions) });
        }

        if (before.UserId != now.UserId)
        {
            Print(new() { Time = Now(), Event = "owner", Owner = Accounts.Users.NameOf(now.UserId) });
        }

        LookAtHolders(now);
        PrintIfAny(LookAtBytes(now));
    }

    private void Begin(string word, SharedMemoryEntry entry)
    {
        _entry = entry;
        _holders = Holders(entry, out var told);
        var count = HolderCount.Of(entry, told);
        _bytes = null;
        // Before the start is reported: from then on, every change is.
        var unreadable = LookAtBytes(entry);
        Print(new()
        {
            Time = Now(), Event = word, Length = entry.Length, Mode = ModeText.Octal(entry.Permissions),
            Owner = Accounts.Users.NameOf(entry.UserId), Holders = count is { Known: 0, IsExact: false } ? null : count.Known, HoldersExact = count.IsExact,
        });
        PrintIfAny(unreadable);
    }

    private void LookAtHolders(SharedMemoryEntry entry)
    {
        var now = Holders(entry, out var told);
        if (told is null)
        {
            // The system does not reveal holders, or not any more: those that were found may hold it still.
            return;
        }

        KeepUnseen(entry, told, now);
        foreach (var (id, holder) in now)
        {
            if (!_holders.TryGetValue(id, out var before) || before.Access != holder.Access)
            {
                PrintHolder("held", holder);
            }
        }

        foreach (var (id, holder) in _holders)
        {
            if (!now.ContainsKey(id))
            {
                PrintHolder("released", holder);
            }
        }

        _holders = now;
    }

    /// <summary>A process that cannot be examined any more (it runs as another user now, or forbids it), or that /proc has begun to hide, may hold the object still.</summary>
    private void KeepUnseen(SharedMemoryEntry entry, SharedMemoryHolders told, Dictionary<int, SharedMemoryHolder> now)
    {
        var unreadable = told.UnreadableProcessIds.ToHashSet();
        // Where /proc hides processes, the first one is reported as unreadable for all of them.
        var unseen = _holders.Values.Where(holder => !now.ContainsKey(holder.ProcessId)
            && (unreadable.Contains(holder.ProcessId) || (unreadable.Contains(1) && !Directory.Exists($"/proc/{holder.ProcessId.ToString(CultureInfo.InvariantCulture)}") && Processes.Exists(holder.ProcessId)))).ToList();
        if (unseen.Count > 0 && (now.Count > 0 || HolderCount.AskKernel(entry) is not false))
        {
            unseen.ForEach(holder => now.Add(holder.ProcessId, holder));
        }
    }

    private void PrintHolder(string word, SharedMemoryHolder holder) => Print(new()
    {
        Time = Now(), Event = word, Pid = holder.ProcessId, Command = holder.Command,
        Access = word == "held" ? holder.Access.HasFlag(FileAccess.Write) ? "rw" : "r" : null,
    });

    /// <returns>The event to print: which bytes have changed since the previous look, or why they cannot be read.</returns>
    private WatchFacts? LookAtBytes(SharedMemoryEntry entry)
    {
        if (!looksAtBytes)
        {
            return null;
        }

        try
        {
            using var memory = entry.Open();
            _obstacle = default;
            var isFirst = _bytes is null;
            _bytes ??= new();
            var changed = _bytes.Look(memory);
            return isFirst || changed.Count == 0 ? null : new()
            {
                Time = Now(), Event = "bytes", ChangedBytes = changed.Sum(range => range.Length),
                Ranges = [.. changed.Take(MostRanges).Select(range => new ByteRangeFacts(range.Offset, range.Length))],
            };
        }
        catch (SharedMemoryException e) when (e.Errno != Errno.ENOENT)
        {
            // Its length and holders are reported all the same; the reason for the missing bytes is printed once.
            _bytes = null;
            if (_obstacle == e.Errno)
            {
                return null;
            }

            _obstacle = e.Errno;
            return new() { Time = Now(), Event = "unreadable", Reason = Failure.Describe(e, "its bytes", "watch") };
        }
        catch (SharedMemoryException)
        {
            // Gone since it was found: the next look reports it.
            return null;
        }
    }

    private void PrintIfAny(WatchFacts? happened)
    {
        if (happened is not null)
        {
            Print(happened);
        }
    }

    private void Print(WatchFacts happened) => printer.Print(happened with { Name = NameText.Raw(_name), Escaped = NameText.EscapedOrNull(_name) });

    private static DateTimeOffset Now() => TimeProvider.System.GetUtcNow();

    private static Dictionary<int, SharedMemoryHolder> Holders(SharedMemoryEntry entry, out SharedMemoryHolders? told)
    {
        try
        {
            told = entry.GetHolders();
            return told.Where(holder => holder.ProcessId != Environment.ProcessId).ToDictionary(holder => holder.ProcessId);
        }
        catch (PlatformNotSupportedException)
        {
            told = null;
            return [];
        }
    }
}
