using System.CommandLine;

namespace Posix.SharedMemory.Tool;

/// <summary>One of the commands: its arguments, what it does, how it fails.</summary>
internal abstract class ShmCommand : Command
{
    protected ShmCommand(string name, string description, params ReadOnlySpan<string> examples)
        : base(name, description)
    {
        Examples = examples.ToArray();
        SetAction(RunGuarded);
    }

    /// <summary>Gets the example command lines in its help.</summary>
    internal IReadOnlyList<string> Examples { get; }

    /// <summary>Gets the words that select the command: <c>ls</c>, <c>topic ls</c>.</summary>
    internal string Words => string.Join(' ', Parents.OfType<ShmCommand>().Select(parent => parent.Words).Append(Name));

    /// <summary>Runs the command. The arguments have been checked.</summary>
    /// <returns>One of <see cref="ExitCode"/>.</returns>
    protected abstract int Run(ParseResult given, Terminal terminal);

    private int RunGuarded(ParseResult given)
    {
        var terminal = new Terminal(Words, mayUseColor: !given.GetValue(CommandLine.NoColor));
        try
        {
            var code = Run(given, terminal);
            terminal.Flush();
            return code;
        }
        catch (Exception) when (Interruption.IsUnderWay)
        {
            // The thread that handles the signal ends the process, with its exit code.
            Thread.Sleep(Timeout.Infinite);
            throw;
        }
        catch (UsageException e)
        {
            terminal.Fail(e.Message);
            return ExitCode.WrongUsage;
        }
        catch (Exception e) when (Failure.IsClosedPipe(e))
        {
            // The reader of the output is gone: nobody is left to read a message.
            return ExitCode.ReaderGone;
        }
        catch (Exception e) when (Failure.IsKnown(e))
        {
            // Failures elsewhere name their subject themselves.
            terminal.Fail(e, Failure.IsUnnamed(e) ? "standard output" : null);
            return ExitCode.Failed;
        }
    }
}
