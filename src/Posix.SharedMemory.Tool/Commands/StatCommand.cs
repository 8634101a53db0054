using System.CommandLine;
using System.Globalization;

namespace Posix.SharedMemory.Tool;

/// <summary><c>shm stat</c>: everything that is known about one object.</summary>
internal sealed class StatCommand : ShmCommand
{
    private readonly Argument<GivenName> _name = Given.Name("NAME", "The object");
    private readonly Option<bool> _json = Given.Json();

    internal StatCommand()
        : base("stat", "Show everything that is known about an object, and the processes that hold it.", "shm stat frames", "shm stat frames --json")
    {
        Add(_name);
        Add(_json);
    }

    protected override int Run(ParseResult given, Terminal terminal)
    {
        var entry = given.GetRequiredValue(_name).Find();
        var holders = HolderSearch.TryFind(entry);
        // The kernel may know of holders that no list has; and a list may have those of which the kernel says nothing to this user.
        var confirmed = HolderCount.AskKernel(entry);
        var count = HolderCount.Of(holders, confirmed);
        var (hasMembers, ranges) = LookInside(entry);
        var look = ObjectLook.Of(entry);
        var status = entry.Status;
        if (given.GetValue(_json))
        {
            var facts = new StatusFacts(ObjectFacts.Of(entry, count, look))
            {
                Device = status.Identity.Device,
                Inode = status.Identity.Inode,
                Accessed = status.LastAccessTime,
                Changed = status.LastChangeTime,
                Created = status.CreationTime == DateTimeOffset.UnixEpoch ? null : status.CreationTime,
                HasMembers = hasMembers,
                Held = count.IsHeldOrUnknown,
                Lock = look.Lock is null ? null : LockFacts.Of(look.Lock),
                Channel = look.Channel is null ? null : ChannelFacts.Of(look.Channel),
                AllocatedRanges = ranges,
                HeldBy = holders?.Select(HolderFacts.Of).ToList(),
                UnreadableProcesses = holders?.UnreadableProcessIds,
            };
            JsonFacts.Write(terminal, facts, json => json.StatusFacts);
            return ExitCode.Done;
        }

        PrintStatus(terminal, entry, ranges);
        Line(terminal, "Members", hasMembers switch { true => "yes: the last one removes the name", false => "none", null => "unknown" });
        Line(terminal, "In use", count.IsHeldOrUnknown switch { true => confirmed is true ? "yes (confirmed by the kernel)" : "yes", false => "no (confirmed by the kernel)", null => "unknown" });
        if (look.Obstacle is { } obstacle)
        {
            Line(terminal, "Kind", $"unknown: it cannot be read: {obstacle}");
        }

        if (look.Lock is { } found)
        {
            Line(terminal, "Lock", $"{LockLook.Kind(found)}; {LockLook.State(found)}");
        }

        if (look.Channel is { } channel)
        {
            PrintChannel(terminal, channel);
        }

        if (holders is not null)
        {
            terminal.Out.Write('\n');
            HolderTable.Print(terminal, holders, count);
        }

        return ExitCode.Done;
    }

    private static void PrintStatus(Terminal terminal, SharedMemoryEntry entry, IReadOnlyList<ByteRange>? ranges)
    {
        var status = entry.Status;
        Line(terminal, "Name", EscapedText.OfName(entry.NameBytes.Span));
        Line(terminal, "Length", Size(status.Length));
        Line(terminal, "Allocated", Size(status.AllocatedBytes) + (ranges is null ? "" : Holes(status.Length, ranges)));
        Line(terminal, "Mode", $"{ModeText.Octal(status.Permissions)} {ModeText.Letters(status.Permissions)}");
        Line(terminal, "Owner", $"{Accounts.Users.NameOf(status.UserId)} ({status.UserId})");
        Line(terminal, "Group", $"{Accounts.Groups.NameOf(status.GroupId)} ({status.GroupId})");
        Line(terminal, "Identity", string.Create(CultureInfo.InvariantCulture, $"device {status.Identity.Device}, inode {status.Identity.Inode}"));
        Line(terminal, "Created", status.CreationTime == DateTimeOffset.UnixEpoch ? "unknown" : Time(status.CreationTime));
        Line(terminal, "Modified", Time(status.LastWriteTime));
        Line(terminal, "Changed", Time(status.LastChangeTime));
        Line(terminal, "Accessed", Time(status.LastAccessTime));
    }

    private static void PrintChannel(Terminal terminal, ChannelLook look)
    {
        Line(terminal, "Channel", look.Summary);
        if (look.Status is not { } status)
        {
            return;
        }

        Line(terminal, "Carries", (status.ElementSize != 0 ? $"elements of {status.ElementSize} bytes" : $"{ChannelLook.UnitOf(status.Kind)}s of up to {status.MaxMessageLength} bytes")
            + (status.SchemaId == 0 ? "" : $", schema {status.SchemaId}") + (status.ContentType.Length == 0 ? "" : $", {EscapedText.Of(status.ContentType)}"));
        Line(terminal, "Waits", $"{status.WriterWaits} for room, {status.ReaderWaits} for a {ChannelLook.UnitOf(status.Kind)}");
        if (status.BlockedBy is { } blocker)
        {
            var (role, reason) = blocker.Role == Channels.EndpointRole.Writer ? ("writer", "which has claimed room and not committed") : ("reader", "which the writer has waited for since it last read");
            Line(terminal, "Blocked", $"by {role} {blocker.Index} ({(blocker.Label.Length == 0 ? "" : EscapedText.Of(blocker.Label) + ", ")}process {blocker.ProcessId?.ToString(CultureInfo.InvariantCulture) ?? "unknown"}), {reason}");
        }

        terminal.Out.Write('\n');
        ChannelLook.PrintEndpoints(terminal, status);
    }

    /// <summary>What only an open object reveals; nothing if this user may not open it. One answer may be known without the other.</summary>
    private static (bool? HasMembers, IReadOnlyList<ByteRange>? Ranges) LookInside(SharedMemoryEntry entry)
    {
        try
        {
            using var memory = entry.Open();
            return (Known(() => (bool?)memory.HasOtherMembers), Known(memory.GetAllocatedRanges));
        }
        catch (Exception e) when (e is SharedMemoryException or PlatformNotSupportedException)
        {
            return default;
        }
    }

    private static T? Known<T>(Func<T?> look)
    {
        try
        {
            return look();
        }
        catch (Exception e) when (e is SharedMemoryException or PlatformNotSupportedException)
        {
            return default;
        }
    }

    private static void Line(Terminal terminal, string title, string text) => terminal.Out.Write($"{terminal.Paint((title + ":").PadRight(11), Ink.Bold)}{text}\n");

    private static string Size(long bytes) => bytes < 1024 ? $"{bytes}" : $"{bytes} ({ByteSize.Short(bytes)})";

    private static string Holes(long length, IReadOnlyList<ByteRange> ranges)
    {
        var holes = (ranges.Count == 0 ? 1 : ranges.Count - 1 + (ranges[0].Offset > 0 ? 1 : 0) + (ranges[^1].End < length ? 1 : 0)) - (length == 0 ? 1 : 0);
        return holes == 0 ? "" : $", {holes} {(holes == 1 ? "hole" : "holes")}";
    }

    private static string Time(DateTimeOffset time) => time.ToLocalTime().ToString("yyyy-MM-dd HH:mm:ss.fff zzz", CultureInfo.InvariantCulture);
}
