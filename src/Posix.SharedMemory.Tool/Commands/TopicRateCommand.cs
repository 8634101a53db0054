using System.CommandLine;

namespace Posix.SharedMemory.Tool;

/// <summary><c>shm topic hz</c> and <c>shm topic bw</c>: how much passes through a channel.</summary>
internal sealed class TopicRateCommand : ShmCommand
{
    private const string Common = ", until Ctrl-C or until the channel is completed. It only reads; rates are those of the writer's own counters, and of the reader's where a fan-in has many writers.";

    private readonly Argument<GivenName> _name = Given.Name("NAME", "The channel");
    private readonly Option<TimeSpan?> _interval = Given.Seconds("--interval", "How long each line measures; by default, a second");
    private readonly Option<int?> _count = Given.Count("Exit after N lines");
    private readonly Option<bool> _json = Given.Flag("--json", "Print each measurement as one line of JSON");
    private readonly string _title;
    private readonly Func<RateFacts, string> _line;

    private TopicRateCommand(string name, string description, string title, Func<RateFacts, string> line, params ReadOnlySpan<string> examples)
        : base(name, description + Common, examples)
    {
        (_title, _line) = (title, line);
        Add(_name);
        Add(_interval);
        Add(_count);
        Add(_json);
    }

    /// <summary><c>shm topic hz</c>.</summary>
    internal static TopicRateCommand OfMessages() => new(
        "hz", "Measure messages and bytes a second, the sizes of messages and the time between them", RateMeter.Title, RateMeter.Line, "shm topic hz quotes", "shm topic hz quotes --interval 10 --count 1 --json");

    /// <summary><c>shm topic bw</c>.</summary>
    internal static TopicRateCommand OfBytes() => new(
        "bw", "Measure bytes a second, and the sizes of messages", RateMeter.TitleOfBytes, RateMeter.LineOfBytes, "shm topic bw quotes", "shm topic bw camera --interval 10 --count 1 --json");

    protected override int Run(ParseResult given, Terminal terminal)
    {
        var name = given.GetRequiredValue(_name);
        using var memory = name.Open(FileAccess.Read);
        TopicCommand.RequireChannel(name, memory);
        var meter = new RateMeter(memory);
        var interval = given.GetValue(_interval) ?? TimeSpan.FromSeconds(1);
        var isJson = given.GetValue(_json);
        using var end = new GracefulEnd();
        for (int line = 0, most = given.GetValue(_count) ?? int.MaxValue; line < most; line++)
        {
            var isWhole = meter.Measure(interval, end.Token, out var facts);
            if (!isWhole && end.Token.IsCancellationRequested)
            {
                break;
            }

            if (isJson)
            {
                ViewFacts.Write(terminal, facts, ViewFacts.Lines.RateFacts);
            }
            else
            {
                terminal.Out.Write((line == 0 ? terminal.Paint(_title, Ink.Bold) + "\n" : "") + _line(facts) + "\n");
            }

            terminal.Flush();
            if (!isWhole)
            {
                break;
            }
        }

        return ExitCode.Done;
    }
}
