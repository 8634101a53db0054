using System.CommandLine;

namespace Posix.SharedMemory.Tool;

/// <summary><c>shm who</c>: the processes that hold an object, and how.</summary>
internal sealed class WhoCommand : ShmCommand
{
    private readonly Argument<GivenName> _name = Given.Name("NAME", "The object");
    private readonly Option<bool> _json = Given.Json();

    internal WhoCommand()
        : base("who", "Show the processes that have an object open or mapped.", "shm who frames", "shm who frames --json")
    {
        Add(_name);
        Add(_json);
    }

    protected override int Run(ParseResult given, Terminal terminal)
    {
        var entry = given.GetRequiredValue(_name).Find();
        var holders = entry.GetHolders();
        var count = HolderCount.Of(entry, holders);
        if (given.GetValue(_json))
        {
            var facts = new HoldersFacts(
                NameText.Raw(entry.NameBytes.Span), NameText.EscapedOrNull(entry.NameBytes.Span), count.IsHeldOrUnknown, [.. holders.Select(HolderFacts.Of)], count.IsExact, holders.UnreadableProcessIds);
            JsonFacts.Write(terminal, facts, json => json.HoldersFacts);
        }
        else
        {
            HolderTable.Print(terminal, holders, count);
        }

        return ExitCode.Done;
    }
}
