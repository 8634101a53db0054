using System.Globalization;
using Microsoft.Win32.SafeHandles;

namespace Posix.SharedMemory.Tool;

/// <summary>Where a command writes: facts to standard output, failures to standard error, both as UTF-8. Colours only where a terminal wants them.</summary>
internal sealed class Terminal : IDisposable
{
    private const int BufferBytes = 32 << 10;

    private readonly Lazy<StreamWriter> _out = new(
        () => Streams.OpenOutputText(BufferBytes), isThreadSafe: false);

    /// <summary>Whether standard output takes no more.</summary>
    private bool _isLost;

    internal Terminal(string command, bool mayUseColor)
    {
        Command = command;
        UsesColor = mayUseColor && WantsColor && IsTerminal;
    }

    /// <summary>Gets the command that runs, for messages.</summary>
    internal string Command { get; }

    /// <summary>Gets whether standard output is a terminal.</summary>
    internal static bool IsTerminal => !Console.IsOutputRedirected;

    /// <summary>Gets whether standard error is a terminal, where progress can be shown.</summary>
    internal static bool HasProgress => !Console.IsErrorRedirected && TerminalType.Name is not (null or "" or "dumb");

    /// <summary>Gets whether somebody sits at standard input who can answer a question.</summary>
    internal static bool CanAsk => !Console.IsInputRedirected && !Console.IsErrorRedirected;

    /// <summary>Gets whether output is coloured: on a terminal, unless <c>NO_COLOR</c> or <c>--no-color</c> forbids it.</summary>
    internal bool UsesColor { get; }

    /// <summary>Gets how many columns a line has; as many as one likes where there is no terminal.</summary>
    internal static int Width =>
        !IsTerminal ? int.MaxValue
        : int.TryParse(Environment.GetEnvironmentVariable("COLUMNS"), CultureInfo.InvariantCulture, out var columns) && columns > 0 ? columns
        : Console.WindowWidth is > 0 and var width ? width
        : 80;

    /// <summary>Gets the writer of facts. What it holds back comes out at the end.</summary>
    internal TextWriter Out => _out.Value;

    /// <summary>Gets the same, for bytes that are no text. Text written before comes out first.</summary>
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

    // https://no-color.org: present and not empty, whatever it says.
    private static bool WantsColor => string.IsNullOrEmpty(Environment.GetEnvironmentVariable("NO_COLOR")) && TerminalType.Name != "dumb";

    internal string Paint(string text, Ink ink) =>
        UsesColor && ink != Ink.Plain ? string.Create(CultureInfo.InvariantCulture, $"\e[{(int)ink}m{text}\e[0m") : text;

    /// <summary>Says on standard error what went wrong, in one line.</summary>
    internal void Fail(string reason)
    {
        try
        {
            Flush();
        }
        catch (Exception e) when (Failure.IsKnown(e))
        {
            // One failure is told, the one that came first.
            _isLost = true;
        }

        Streams.WriteError($"shm: {Command}: {reason}\n");
    }

    /// <summary>Says what went wrong in what was caught.</summary>
    internal void Fail(Exception exception, object? subject = null) => Fail(Failure.Describe(exception, subject));

    /// <summary>Does one of several acts. If it fails, says so, so that the others can follow.</summary>
    /// <returns>Whether it is done.</returns>
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

    /// <summary>Asks on the terminal, and takes only a yes for a yes.</summary>
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
