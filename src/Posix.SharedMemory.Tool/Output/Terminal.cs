using System.Globalization;
using Microsoft.Win32.SafeHandles;

namespace Posix.SharedMemory.Tool;

/// <summary>Where a command writes: results to standard output, failures to standard error, both as UTF-8. Colours only on a terminal that wants them.</summary>
internal sealed class Terminal : IDisposable
{
    private const int BufferBytes = 32 << 10;

    private readonly Lazy<StreamWriter> _out = new(
        () => Streams.OpenOutputText(BufferBytes), isThreadSafe: false);

    /// <summary>Whether writing to standard output has failed.</summary>
    private bool _isLost;

    internal Terminal(string command, bool mayUseColor)
    {
        Command = command;
        UsesColor = mayUseColor && WantsColor && IsTerminal;
    }

    /// <summary>Gets the name of the running command, for messages.</summary>
    internal string Command { get; }

    /// <summary>Gets whether standard output is a terminal.</summary>
    internal static bool IsTerminal => !Console.IsOutputRedirected;

    /// <summary>Gets whether standard error is a terminal that can show progress.</summary>
    internal static bool HasProgress => !Console.IsErrorRedirected && TerminalType.Name is not (null or "" or "dumb");

    /// <summary>Gets whether a question can be asked: standard input and standard error are a terminal.</summary>
    internal static bool CanAsk => !Console.IsInputRedirected && !Console.IsErrorRedirected;

    /// <summary>Gets whether output is coloured: on a terminal, unless <c>NO_COLOR</c> or <c>--no-color</c> forbids it.</summary>
    internal bool UsesColor { get; }

    /// <summary>Gets whether a person reads standard error, to whom more may be said than what failed.</summary>
    internal static bool HasReader => !Console.IsErrorRedirected;

    /// <summary>Gets how many columns a line has; without a terminal there is no limit.</summary>
    internal static int Width =>
        !IsTerminal ? int.MaxValue
        : int.TryParse(Environment.GetEnvironmentVariable("COLUMNS"), CultureInfo.InvariantCulture, out var columns) && columns > 0 ? columns
        : Console.WindowWidth is > 0 and var width ? width
        : 80;

    /// <summary>Gets the writer to standard output. It is buffered; the buffer is written when the command ends.</summary>
    internal TextWriter Out => _out.Value;

    /// <summary>Gets the same as a stream of bytes. Text written before is written out first.</summary>
    internal Stream OutBytes
    {
        get
        {
            Flush();
            return _out.Value.BaseStream;
        }
    }

    /// <summary>Gets the descriptor of standard output, for copies that the kernel makes.</summary>
    internal SafeFileHandle OutHandle
    {
        get
        {
            Flush();
            return Streams.OutputHandle();
        }
    }

    // https://no-color.org: set and not empty, whatever its value.
    private static bool WantsColor => string.IsNullOrEmpty(Environment.GetEnvironmentVariable("NO_COLOR")) && TerminalType.Name != "dumb";

    internal string Paint(string text, Ink ink) =>
        UsesColor && ink != Ink.Plain ? string.Create(CultureInfo.InvariantCulture, $"\e[{(int)ink}m{text}\e[0m") : text;

    /// <summary>Prints a failure to standard error, as one line.</summary>
    internal void Fail(string reason)
    {
        try
        {
            Flush();
        }
        catch (Exception e) when (Failure.IsKnown(e))
        {
            // Only the first failure is reported.
            _isLost = true;
        }

        Streams.WriteError($"shm: {Command}: {reason}\n");
    }

    /// <summary>Says what went wrong in what was caught.</summary>
    internal void Fail(Exception exception, object? subject = null) => Fail(Failure.Describe(exception, subject, Command));

    /// <summary>Tells a person what a command that succeeded has changed beside what it was asked for. Scripts do not see it.</summary>
    internal void Note(string text)
    {
        if (HasReader)
        {
            Flush();
            Streams.WriteError($"shm: {Command}: {text}\n");
        }
    }

    /// <summary>Runs one of several actions. If it fails, the failure is printed, and the others can follow.</summary>
    /// <returns>Whether it succeeded.</returns>
    internal bool Try(object subject, Action act)
    {
        try
        {
            act();
            return true;
        }
        catch (Exception e) when (Failure.IsKnown(e))
        {
            Fail(e, subject);
            return false;
        }
    }

    /// <summary>Asks a question on the terminal. Anything but "y" or "yes" means no.</summary>
    internal static bool Ask(string question)
    {
        Streams.WriteError($"{question} [y/N] ");
        using var answers = new StreamReader(Streams.OpenInput());
        return answers.ReadLine()?.Trim().ToUpperInvariant() is "Y" or "YES";
    }

    internal void Flush()
    {
        if (_out.IsValueCreated && !_isLost)
        {
            _out.Value.Flush();
        }
    }

    public void Dispose() => Flush();
}
