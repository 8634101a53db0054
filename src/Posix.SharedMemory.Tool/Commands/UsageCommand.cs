using System.CommandLine;
using System.Globalization;

namespace Posix.SharedMemory.Tool;

/// <summary><c>shm df</c>: how much room there is, and what uses it.</summary>
internal sealed class UsageCommand : ShmCommand
{
    private const int Most = 10;

    private readonly Option<bool> _bytes = Given.Flag("--bytes", "Print sizes in bytes", "-b");
    private readonly Option<bool> _json = Given.Json();

    internal UsageCommand()
        : base("df", "Show how much shared memory is allowed, how much is used, and by which objects.", "shm df", "shm df --json")
    {
        Add(_bytes);
        Add(_json);
    }

    protected override int Run(ParseResult given, Terminal terminal)
    {
        var entries = SharedMemoryDirectory.Enumerate().OrderByDescending(entry => entry.AllocatedBytes).ThenBy(entry => entry.Name, StringComparer.Ordinal).ToList();
        var usage = SharedMemoryDirectory.GetUsage();
        var limit = SharedMemoryDirectory.GetMemoryLimit();
        var named = entries.Sum(entry => entry.AllocatedBytes);
        // The two numbers were not read at the same instant.
        var unnamed = Math.Max(0, usage.UsedBytes - named);
        var largest = entries.Take(Most).Where(entry => entry.AllocatedBytes > 0).ToList();
        if (given.GetValue(_json))
        {
            var facts = new UsageFacts(
                usage.TotalBytes, usage.UsedBytes, usage.AvailableBytes, named, unnamed, usage.TotalInodes == 0 ? null : usage.TotalInodes,
                usage.TotalInodes == 0 ? null : usage.AvailableInodes, limit?.LimitBytes, limit is { UsedBytes: > 0 and var taken } ? taken : null, largest.ConvertAll(LargestFacts.Of));
            JsonFacts.Write(terminal, facts, json => json.UsageFacts);
            return ExitCode.Done;
        }

        Func<long, string> size = given.GetValue(_bytes) ? ByteSize.Exact : ByteSize.Short;
        var room = new Table(new("TOTAL", IsNumber: true), new("USED", IsNumber: true), new("AVAILABLE", IsNumber: true), new("USE%", IsNumber: true), new("OF"));
        room.Add(size(usage.TotalBytes), size(usage.UsedBytes), size(usage.AvailableBytes), Percent(usage.UsedBytes, usage.UsedBytes + usage.AvailableBytes), "/dev/shm");
        if (usage.TotalInodes > 0)
        {
            // With none left, no object can be created, however many bytes are free.
            var used = usage.TotalInodes - usage.AvailableInodes;
            room.Add(ByteSize.Exact(usage.TotalInodes), ByteSize.Exact(used), ByteSize.Exact(usage.AvailableInodes), Percent(used, usage.TotalInodes), "/dev/shm, objects and other files (inodes)");
        }

        if (limit is { } group)
        {
            const string Of = "control group, including its other memory";
            if (group.UsedBytes > 0)
            {
                room.Add(size(group.LimitBytes), size(group.UsedBytes), size(group.AvailableBytes), Percent(group.UsedBytes, group.LimitBytes), Of);
            }
            else
            {
                room.Add(size(group.LimitBytes), "?", "?", "?", Of);
            }
        }

        room.WriteTo(terminal);
        if (usage.UsedBytes > 0)
        {
            terminal.Out.Write('\n');
            PrintWhatFills(terminal, largest, entries.Count, named, unnamed, usage.UsedBytes, size);
        }

        return ExitCode.Done;
    }

    private static void PrintWhatFills(
        Terminal terminal, List<SharedMemoryEntry> largest, int count, long named, long unnamed, long used, Func<long, string> size)
    {
        var table = new Table(new("ALLOCATED", IsNumber: true), new("USE%", IsNumber: true), new("OWNER"), new("NAME"));
        foreach (var entry in largest)
        {
            table.Add(size(entry.AllocatedBytes), Percent(entry.AllocatedBytes, used), Accounts.Users.NameOf(entry.UserId), EscapedText.OfName(entry.NameBytes.Span));
        }

        if (named - largest.Sum(entry => entry.AllocatedBytes) is > 0 and var rest)
        {
            table.Add(size(rest), Percent(rest, used), "", new($"({ByteSize.Count(count - largest.Count, "other object")})", Ink.Dim));
        }

        if (unnamed > 0)
        {
            table.Add(size(unnamed), Percent(unnamed, used), "", new("(unlinked but still in use (shm ls --anonymous), semaphores, other files)", Ink.Dim));
        }

        table.WriteTo(terminal);
    }

    private static string Percent(long part, long whole) => whole == 0 ? "-" : string.Create(CultureInfo.InvariantCulture, $"{part * 100m / whole:0}%");
}
