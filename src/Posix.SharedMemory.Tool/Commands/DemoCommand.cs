using System.CommandLine;

namespace Posix.SharedMemory.Tool;

/// <summary><c>shm demo</c>: two processes that share memory, for somebody who has just installed the command.</summary>
internal sealed class DemoCommand : ShmCommand
{
    private readonly Option<string?> _role = new("--role") { Hidden = true };
    private readonly Option<string?> _object = new("--object") { Hidden = true };

    internal DemoCommand()
        : base("demo", "Start two processes that share memory, and show what happens. Nothing is left behind.", "shm demo")
    {
        Add(_role);
        Add(_object);
    }

    protected override int Run(ParseResult given, Terminal terminal)
    {
        if (given.GetValue(_object) is { } name)
        {
            // One of the two processes that the demonstration starts: Ctrl-C ends the first process, and the end of their input ends these.
            using var end = new GracefulEnd();
            DemoPart.Play(name, Console.In, terminal.Out);
            return ExitCode.Done;
        }

        using var interruption = new GracefulEnd();
        try
        {
            new Demonstration(terminal, interruption.Token).Run();
            return ExitCode.Done;
        }
        catch (OperationCanceledException)
        {
            // Ctrl-C between two steps: the object has been removed already.
            return ExitCode.Failed;
        }
    }
}
