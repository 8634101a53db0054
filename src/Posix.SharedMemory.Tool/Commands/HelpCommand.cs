using System.CommandLine;

namespace Posix.SharedMemory.Tool;

/// <summary><c>shm help</c>: the same as <c>--help</c>, in the word order that people try first.</summary>
internal sealed class HelpCommand : ShmCommand
{
    private readonly Argument<string?> _command = new("COMMAND")
    {
        Description = "The command to explain; without it, all commands are listed",
        Arity = ArgumentArity.ZeroOrOne,
        CustomParser = result => Given.One(result, ReadCommand),
    };

    internal HelpCommand()
        : base("help", "Show help for a command.", "shm help ls")
    {
        _command.CompletionSources.Add([.. CommandLine.Names]);
        Add(_command);
    }

    protected override int Run(ParseResult given, Terminal terminal)
    {
        string[] words = given.GetValue(_command) is { } command ? [command] : [];
        using var output = new StringWriter();
        var code = CommandLine.MakeRoot(words).Parse([.. words, "--help"]).Invoke(new InvocationConfiguration { Output = output });
        terminal.Out.Write(output.ToString());
        return code;
    }

    private static string? ReadCommand(string text, out string? objection)
    {
        objection = CommandLine.Names.Contains(text, StringComparer.Ordinal) ? null : CommandLine.UnknownCommand(text);
        return text;
    }
}
