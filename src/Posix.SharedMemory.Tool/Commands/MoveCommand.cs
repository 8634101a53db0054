using System.CommandLine;

namespace Posix.SharedMemory.Tool;

/// <summary><c>shm mv</c>.</summary>
internal sealed class MoveCommand : ShmCommand
{
    private readonly Argument<GivenName> _from = Given.Name("FROM", "The object");
    private readonly Argument<GivenName> _to = Given.Name("TO", "Its new name; an object that already has this name loses it");
    private readonly Option<bool> _noReplace = Given.Flag("--no-replace", "Fail if another object has the new name");
    private readonly Option<bool> _exchange = Given.Flag("--exchange", "Exchange the names of the two objects, in one step");

    internal MoveCommand()
        : base("mv", "Rename an object, in one step. Processes that already have it open are unaffected.", "shm mv frames.new frames", "shm mv front back --exchange")
    {
        Add(_from);
        Add(_to);
        Add(_noReplace);
        Add(_exchange);
        Validators.Add(result =>
        {
            if (result.GetValue(_noReplace) && result.GetValue(_exchange))
            {
                result.AddError("--no-replace and --exchange cannot be used together");
            }
        });
    }

    protected override int Run(ParseResult given, Terminal terminal)
    {
        var mode = given.GetValue(_noReplace) ? RenameMode.NoReplace : given.GetValue(_exchange) ? RenameMode.Exchange : RenameMode.Replace;
        given.GetRequiredValue(_from).Rename(given.GetRequiredValue(_to), mode);
        return ExitCode.Done;
    }
}
