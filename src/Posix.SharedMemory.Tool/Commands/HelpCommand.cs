using System.CommandLine;
using System.CommandLine.Parsing;

namespace Posix.SharedMemory.Tool;

/// <summary><c>shm help</c>: the same as <c>--help</c>, in the word order that people try first.</summary>
internal sealed class HelpCommand : ShmCommand
{
    private readonly Argument<string[]> _command = new("COMMAND")
    {
        Description = "The command to explain; without it, all commands are listed",
        Arity = new(0, 2),
        CustomParser = Read,
    };

    internal HelpCommand()
        : base("help", "Show help for a command.", "shm help ls", "shm help topic tap")
    {
        _command.CompletionSources.Add([.. CommandLine.Names]);
        Add(_command);
    }

    protected override int Run(ParseResult given, Terminal terminal) => Print(terminal, given.GetValue(_command) ?? []);

    /// <summary>Prints the help of the command that words select.</summary>
    internal static int Print(Terminal terminal, string[] words)
    {
        using var output = new StringWriter();
        var code = CommandLine.MakeRoot(words).Parse([.. words, "--help"]).Invoke(new InvocationConfiguration { Output = output });
        terminal.Out.Write(output.ToString());
        return code;
    }

    private static string[] Read(ArgumentResult result)
    {
        string[] words = [.. result.Tokens.Select(token => token.Value)];
        Command command = CommandLine.MakeRoot([]);
        foreach (var word in words)
        {
            if (command.Subcommands.FirstOrDefault(candidate => candidate.Name == word || candidate.Aliases.Contains(word)) is not { } found)
            {
                result.AddError(command is RootCommand ? CommandLine.UnknownCommand(word) : CommandLine.UnknownCommand(word, command));
                break;
            }

            command = found;
        }

        return words;
    }
}
