using System.CommandLine;

namespace Posix.SharedMemory.Tool;

/// <summary><c>shm ls</c>.</summary>
internal sealed class ListCommand : ShmCommand
{
    private readonly Argument<string> _pattern = Given.Pattern("Names to list, with * and ?", ArgumentArity.ZeroOrOne);

    internal ListCommand()
        : base("ls", "List objects.", "shm ls", "shm ls 'frame*'")
    {
        Add(_pattern);
    }

    protected override int Run(ParseResult given, Terminal terminal)
    {
        var table = new Table(new("MODE"), new("LENGTH", IsNumber: true), new("NAME"));
        foreach (var entry in SharedMemoryDirectory.Enumerate())
        {
            table.Add(ModeText.Letters(entry.Permissions), ByteSize.Short(entry.Length), EscapedText.Of(entry.NameBytes.Span));
        }

        table.WriteTo(terminal);
        return ExitCode.Done;
    }
}
