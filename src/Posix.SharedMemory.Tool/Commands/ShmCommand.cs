using System.CommandLine;

namespace Posix.SharedMemory.Tool;

/// <summary>One of the commands: what it takes, what it does, how it fails.</summary>
internal abstract class ShmCommand : Command
{
    protected ShmCommand(string name, string description, params ReadOnlySpan<string> examples)
        : base(name, description)
    {
        Examples = examples.ToArray();
        SetAction(RunGuarded);
    }

    /// <summary>Gets command lines for its help.</summary>
    internal IReadOnlyList<string> Examples { get; }

    /// <summary>Acts on what was given, which is well-formed by now.</summary>
    /// <returns>One of <see cref="ExitCode"/>.</returns>
    protected abstract int Run(ParseResult given, Terminal terminal);

    private int RunGuarded(ParseResult given)
    {
        var terminal = new Terminal(Name, mayUseColor: !given.GetValue(CommandLine.NoColor));
        try
        {
            var code = Run(given, terminal);
            terminal.Flush();
            return code;
        }
        catch (Exception) when (Interruption.IsUnderWay)
        {
            // The thread that has the signal ends the process, with its code.
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
            // The reader has had enough: there is nobody to tell.
            return ExitCode.NobodyReads;
        }
        catch (Exception e) when (Failure.IsKnown(e))
        {
            // What fails elsewhere says of itself what it was.
            terminal.Fail(e, Failure.IsUnnamed(e) ? "standard output" : null);
            return ExitCode.Failed;
        }
    }
}
