using System.CommandLine;

namespace Posix.SharedMemory.Tool;

/// <summary><c>shm topic ls</c>: the channels that exist.</summary>
internal sealed class TopicListCommand : ShmCommand
{
    private readonly Argument<NamePattern?> _pattern = Given.Pattern("A name, or a pattern of * and ?");
    private readonly Option<bool> _names = Given.Flag("--names", "Print only the names, one per line", "-1");
    private readonly Option<bool> _json = Given.Json();

    internal TopicListCommand()
        : base(
            "ls", "List channels: their kind and state, how full they are, and which ends are open. Nothing is opened for writing, and no end is taken. Objects that cannot be read, and may be channels, are counted; --json lists them without a kind.",
            "shm topic ls", "shm topic ls 'quotes*' --json | jq '.[] | {name, fill}'")
    {
        Add(_pattern);
        Add(_names);
        Add(_json);
    }

    protected override int Run(ParseResult given, Terminal terminal)
    {
        var pattern = given.GetValue(_pattern);
        var found = new List<(SharedMemoryEntry Entry, ChannelLook Look)>();
        var unread = new List<(SharedMemoryEntry Entry, ObjectLook Look)>();
        foreach (var entry in SharedMemoryDirectory.Enumerate().Where(entry => pattern?.Matches(entry) ?? true))
        {
            var look = ObjectLook.Of(entry);
            if (look.Channel is { } channel)
            {
                found.Add((entry, channel));
            }
            else if (!look.IsKnown)
            {
                unread.Add((entry, look));
            }
        }

        if (pattern is { IsOneName: true } name && found.Count == 0)
        {
            // A single name is expected to be a channel: opening it says why it is not.
            using var memory = name.Name.Open(FileAccess.Read);
            TopicCommand.RequireChannel(name.Name, memory);
        }

        found.Sort((one, other) => one.Entry.NameBytes.Span.SequenceCompareTo(other.Entry.NameBytes.Span));
        if (given.GetValue(_json))
        {
            unread.Sort((one, other) => one.Entry.NameBytes.Span.SequenceCompareTo(other.Entry.NameBytes.Span));
            IReadOnlyList<TopicFacts> facts = [.. found.Select(channel => new TopicFacts(channel.Entry, new(null, channel.Look))), .. unread.Select(one => new TopicFacts(one.Entry, one.Look))];
            JsonFacts.Write(terminal, facts, json => json.IReadOnlyListTopicFacts);
        }
        else if (given.GetValue(_names))
        {
            found.ForEach(channel => terminal.Out.Write($"{EscapedText.OfName(channel.Entry.NameBytes.Span)}\n"));
        }
        else
        {
            Print(terminal, found, unread.Count);
        }

        return ExitCode.Done;
    }

    private static void Print(Terminal terminal, List<(SharedMemoryEntry Entry, ChannelLook Look)> found, int unread)
    {
        var table = new Table(
            new("KIND"), new("STATE", Spare: 1), new("ENDS"), new("FILL", IsNumber: true), new("CAPACITY", IsNumber: true, Spare: 3), new("MESSAGES", IsNumber: true), new("BYTES", IsNumber: true, Spare: 2),
            new("CONTENT", Spare: 4), new("NAME"));
        foreach (var (entry, look) in found)
        {
            var name = EscapedText.OfName(entry.NameBytes.Span);
            if (look.Status is { } status)
            {
                var state = ChannelLook.StateWord(status.State);
                table.Add(
                    look.Kind, new(state, state == "open" ? Ink.Plain : Ink.Dim), look.Ends, look.FillText, ByteSize.Short(status.Capacity), status.Messages, ByteSize.Short(status.Bytes),
                    EscapedText.Of(status.ContentType), name);
            }
            else
            {
                table.Add(look.Kind, new("unreadable", Ink.Red), "", "", "", "", "", "", name);
            }
        }

        if (found.Count > 0)
        {
            table.WriteTo(terminal);
        }

        var others = unread == 0 ? "" : $"; {ByteSize.Count(unread, "object")} could not be read";
        terminal.Out.Write(terminal.Paint($"{ByteSize.Count(found.Count, "channel")}{others}", Ink.Dim) + "\n");
        foreach (var (entry, look) in found.Where(channel => channel.Look.Problem is not null))
        {
            terminal.Out.Write(terminal.Paint($"{EscapedText.OfName(entry.NameBytes.Span)}: {look.Problem}", Ink.Red) + "\n");
        }
    }
}
