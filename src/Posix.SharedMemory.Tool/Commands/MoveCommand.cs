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
        var (from, to) = (given.GetRequiredValue(_from), given.GetRequiredValue(_to));
        var replaced = Terminal.HasReader && mode == RenameMode.Replace ? SharedMemoryDirectory.Find(to.Bytes) : null;
        var users = replaced is null ? null : InUse.AfterItsName(replaced, HolderSearch.TryFind(replaced));
        var isItself = replaced is not null && replaced.Identity == SharedMemoryDirectory.Find(from.Bytes)?.Identity;
        from.Rename(to, mode);
        if (replaced is not null && !isItself)
        {
            terminal.Note($"{to}: the object that had this name has lost it{(users is null ? "" : $"; {users}")}");
        }

        return ExitCode.Done;
    }
}
