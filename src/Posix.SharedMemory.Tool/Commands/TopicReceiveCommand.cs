using System.CommandLine;
using Posix.SharedMemory.Channels;

namespace Posix.SharedMemory.Tool;

/// <summary><c>shm topic recv</c>: takes messages out of a channel, as its reader.</summary>
internal sealed class TopicReceiveCommand : ShmCommand
{
    private readonly Argument<GivenName> _name = Given.Name("NAME", "The channel");
    private readonly MessageOptions _shape = new();
    private readonly Option<string> _delimiter = MessageOptions.Delimiter("What to print after each message: newline (the default), nul, or none");
    private readonly Option<int?> _count = Given.Count("Exit after N messages");
    private readonly Option<TimeSpan?> _timeout = Given.Seconds("--timeout", "Give up when no message comes for this long; by default, wait");
    private readonly Option<bool> _reconnect = Given.Flag("--reconnect", "When the writer dies or leaves, wait for the next one");
    private readonly Option<bool> _create = Given.Flag("--create", "Create the channel if there is none; it stays until shm rm");
    private readonly Option<string> _kind = MessageOptions.Kind();

    internal TopicReceiveCommand()
        : base(
            "recv", "Take messages out of a channel as its reader, and print them as they are, until the channel is completed or Ctrl-C. A message that could not be printed stays in the channel. A latest value keeps its value: the newest is printed, and each newer one.",
            "shm topic recv jobs",
            "shm topic recv log --create --kind fan-in >> app.log",
            "shm topic recv frames --count 1 --delimiter none > frame.raw")
    {
        Add(_name);
        _shape.AddTo(this);
        foreach (var option in (Option[])[_delimiter, _count, _timeout, _reconnect, _create, _kind])
        {
            Add(option);
        }
    }

    protected override int Run(ParseResult given, Terminal terminal)
    {
        var name = given.GetRequiredValue(_name);
        using var end = new GracefulEnd();
        using var topic = Topic.Open(name, given.GetValue(_kind), given.GetValue(_create), capacity: null);
        using var reader = topic.OpenReader(new() { Label = "shm topic recv", Restart = given.GetValue(_reconnect) ? PeerRestart.Wait : PeerRestart.Fail });
        var printer = _shape.Of(given) is { IsRaw: false } shape ? new MessagePrinter(terminal, shape) { IsBare = !shape.IsJson } : null;
        var raw = printer is null ? new RawMessages(terminal, MessageOptions.DelimiterOf(given.GetValue(_delimiter))) : null;
        var (timeout, most) = (given.GetValue(_timeout), given.GetValue(_count) ?? int.MaxValue);
        try
        {
            for (var taken = 0; taken < most && MessageWait.For(name, reader.WaitAsync, timeout, "printed", end.Token);)
            {
                while (taken < most && !end.Token.IsCancellationRequested && reader.TryTake(Print))
                {
                    taken++;
                }
            }
        }
        catch (OperationCanceledException)
        {
            // Ctrl-C is the normal way to end it.
        }

        return ExitCode.Done;

        void Print(ReadOnlySpan<byte> message, ushort type, long missed)
        {
            raw?.Print(message);
            printer?.Print(message, type, missed, isTaken: false);
            terminal.Flush();
        }
    }
}
