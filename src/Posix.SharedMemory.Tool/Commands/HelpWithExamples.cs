using System.CommandLine;
using System.CommandLine.Help;
using System.CommandLine.Invocation;

namespace Posix.SharedMemory.Tool;

/// <summary>Help as the parser prints it, followed by the command's examples.</summary>
internal sealed class HelpWithExamples(HelpAction help) : SynchronousCommandLineAction
{
    public override bool ClearsParseErrors => true;

    public override int Invoke(ParseResult parseResult)
    {
        if (parseResult.CommandResult.Command is { Subcommands.Count: > 0 } group)
        {
            // Next to the commands, help would show all of their arguments as required.
            foreach (var argument in group.Subcommands.SelectMany(command => command.Arguments))
            {
                argument.Hidden = true;
            }
        }

        var code = help.Invoke(parseResult);
        var output = parseResult.InvocationConfiguration.Output;
        if (parseResult.CommandResult.Command is ShmCommand { Examples.Count: > 0 } command)
        {
            output.WriteLine("Examples:");
            foreach (var example in command.Examples)
            {
                output.WriteLine($"  {example}");
            }

            output.WriteLine();
        }

        return code;
    }
}
