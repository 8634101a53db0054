using System.CommandLine;
using Posix.SharedMemory.Channels;

namespace Posix.SharedMemory.Tool;

/// <summary><c>shm topic tap</c>: the messages of a channel as they pass, without taking them.</summary>
internal sealed class TopicTapCommand : ShmCommand
{
    /// <summary>The shortest record: its header.</summary>
    private const int LeastRecord = 8;

    private readonly Argument<GivenName> _name = Given.Name("NAME", "The channel");
    private readonly MessageOptions _shape = new();
    private readonly Option<int?> _type = Given.Number("--type", "N", "Only messages of this type");
    private readonly Option<int?> _count = Given.Count("Exit after N messages");
    private readonly Option<TimeSpan?> _interval = Given.Seconds("--interval", "How often to look; by default, 100 times a second");
    private readonly Option<bool> _once = Given.Flag("--once", "Print the messages that are waiting now and exit");

    internal TopicTapCommand()
        : base(
            "tap",
            "Print the messages of a channel without taking them, until Ctrl-C or until the channel is completed. It only reads: neither end notices it, and what passes too fast is missed and counted. Of frames it prints what each of them is.",
            "shm topic tap quotes",
            "shm topic tap quotes --struct 'i64 f64' --count 10",
            "shm topic tap jobs --json | jq -r .text")
    {
        // The word of ROS, for hands that know it.
        Aliases.Add("echo");
        Add(_name);
        _shape.AddTo(this);
        Add(_type);
        Add(_count);
        Add(_interval);
        Add(_once);
    }

    protected override int Run(ParseResult given, Terminal terminal)
    {
        var name = given.GetRequiredValue(_name);
        using var memory = name.Open(FileAccess.Read);
        var tap = TopicCommand.Tap(name, memory);
        var kind = TopicCommand.RequireChannel(name, memory).Kind;
        var shape = _shape.Of(given);
        if (kind == ChannelKind.Frames && shape.Word is "text" or "hex" or "struct")
        {
            throw new CommandException($"{name}: the channel carries frames, and only its readers can keep the bytes of one from being overwritten: tap prints what each frame is; leave out --{shape.Word}");
        }

        var printer = new MessagePrinter(terminal, shape);
        var (type, most) = (given.GetValue(_type), given.GetValue(_count) ?? int.MaxValue);
        var interval = given.GetValue(_interval) ?? TimeSpan.FromMilliseconds(10);
        using var end = new GracefulEnd();
        // A writer that goes on and on: with --once, no more than the ring can have held at the beginning.
        var looked = !given.GetValue(_once) ? long.MaxValue : kind is ChannelKind.Latest or ChannelKind.Frames ? 1 : TopicCommand.RequireChannel(name, memory).Capacity / LeastRecord;
        for (var printed = 0; !end.Token.IsCancellationRequested;)
        {
            while (printed < most && looked-- > 0 && !end.Token.IsCancellationRequested && tap.TryRead(out var message))
            {
                if (type is null || message.Type == type)
                {
                    printer.Print(message);
                    printed++;
                }
            }

            terminal.Flush();
            if (printed == most || tap.HasEnded || given.GetValue(_once) || IsOver(memory))
            {
                break;
            }

            end.Token.WaitHandle.WaitOne(interval);
        }

        if (tap.Missed > 0 && Terminal.HasReader)
        {
            terminal.Note($"{ByteSize.Count(tap.Missed, "message")} missed");
        }

        return ExitCode.Done;
    }

    /// <summary>Whether no message can come any more: no name leads to the channel, and no process has an end of it.</summary>
    private static bool IsOver(SharedMemoryObject memory) =>
        memory.IsUnlinked && ChannelStatus.TryRead(memory) is { } status && !status.Endpoints.Any(endpoint => endpoint.State == PeerState.Alive);
}
