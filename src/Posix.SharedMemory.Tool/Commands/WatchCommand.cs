using System.CommandLine;

namespace Posix.SharedMemory.Tool;

/// <summary><c>shm watch</c>: changes of objects, as they happen.</summary>
internal sealed class WatchCommand : ShmCommand
{
    private readonly Argument<GivenName?> _name = Given.OptionalName("NAME", "The object to watch; without it, all objects are watched for appearing, disappearing and being renamed");
    private readonly Option<TimeSpan?> _interval = Given.Seconds("--interval", "How often to check one object; by default, every second");
    private readonly Option<int?> _count = Given.Count("Exit after N events");
    private readonly Option<bool> _noBytes = Given.Flag("--no-bytes", "Do not read the object's bytes");
    private readonly Option<bool> _json = Given.Flag("--json", "Print each event as one line of JSON");

    internal WatchCommand()
        : base(
            "watch",
            "Print what happens to an object, or which objects appear and disappear, until Ctrl-C.",
            "shm watch",
            "shm watch frames --interval 0.1",
            "shm watch --json | jq -r 'select(.event == \"added\") | .name'")
    {
        Add(_name);
        Add(_interval);
        Add(_count);
        Add(_noBytes);
        Add(_json);
    }

    /// <summary>Reads a span of seconds, such as <c>0.5</c>.</summary>
    internal static TimeSpan ReadSeconds(string text, out string? objection)
    {
        const double Least = 0.01, Most = 86_400;
        var isNumber = double.TryParse(text.EndsWith('s') ? text[..^1] : text, System.Globalization.CultureInfo.InvariantCulture, out var seconds)
            && seconds is >= Least and <= Most;
        objection = isNumber ? null : $"'{EscapedText.Of(text)}' is not a number of seconds; examples: 0.5, 2";
        return isNumber ? TimeSpan.FromSeconds(seconds) : default;
    }

    internal static int? ReadCount(string text, out string? objection)
    {
        var isCount = int.TryParse(text, System.Globalization.NumberStyles.None, System.Globalization.CultureInfo.InvariantCulture, out var count) && count > 0;
        objection = isCount ? null : $"'{EscapedText.Of(text)}' is not a number from 1 on";
        return count;
    }

    protected override int Run(ParseResult given, Terminal terminal)
    {
        using var end = new GracefulEnd();
        var printer = new EventPrinter(terminal, given.GetValue(_json), given.GetValue(_count));
        var interval = given.GetValue(_interval) ?? TimeSpan.FromSeconds(1);
        try
        {
            if (given.GetValue(_name) is { } name)
            {
                new ObjectWatcher(name, printer, !given.GetValue(_noBytes)).Run(interval, end.Token);
            }
            else
            {
                DirectoryWatcher.Run(printer, interval, end.Token);
            }
        }
        catch (OperationCanceledException)
        {
            // Ctrl-C is the normal way to end it.
        }

        return ExitCode.Done;
    }
}
