using System.CommandLine;
using System.Diagnostics;
using System.Globalization;
using System.Text;
using Posix.SharedMemory.Channels;

namespace Posix.SharedMemory.Tool;

/// <summary><c>shm topic replay</c>: the messages of a file into a channel, in their times.</summary>
internal sealed class TopicReplayCommand : ShmCommand
{
    internal const string Label = "shm topic replay";

    private const string AsFastAsPossible = "max";

    private readonly Argument<string> _file = Given.File("The recording");
    private readonly Argument<GivenName?> _name = Given.OptionalName("NAME", "The channel to send to; by default, the name of the one that was recorded");
    private readonly Option<bool> _create = Given.Flag("--create", "Create the channel if there is none: with the room, readers, schema and content type that were recorded, for this user only; it stays until shm rm. A reader that comes later gets the last 1,024 messages of a broadcast, as far as there is room for them, and no earlier frame");
    private readonly Option<double?> _speed = new("--speed")
    {
        HelpName = "FACTOR",
        Description = "How fast: 1, the default, is as it was recorded, 2 twice as fast, max as fast as readers take it",
        CustomParser = result => Given.One(result, ReadSpeed),
    };

    private readonly Option<int?> _readers = Given.Number("--readers", "N", "First wait until N readers are open: what is sent before a reader of frames comes is lost to it");
    private readonly Option<int?> _count = Given.Count("End after N messages");
    private readonly Option<bool> _complete = Given.Flag("--complete", "Complete the channel afterwards: readers see its end, and no writer can be opened again");
    private readonly Option<bool> _json = Given.Flag("--json", "Print what was replayed as one line of JSON");

    internal TopicReplayCommand()
        : base(
            "replay",
            "Send the messages of a recording again, as the writer of a channel of the same kind, at the times at which they were recorded, to a millisecond or so. A recording that was cut is replayed up to its last whole message.",
            "shm topic replay quotes.shmrec --create --readers 1",
            "shm topic replay camera.shmrec test-camera --create --speed max")
    {
        Add(_file);
        Add(_name);
        foreach (var option in (Option[])[_create, _speed, _readers, _count, _complete, _json])
        {
            Add(option);
        }
    }

    protected override int Run(ParseResult given, Terminal terminal)
    {
        using var recording = RecordingReader.Open(given.GetRequiredValue(_file));
        var name = given.GetValue(_name) ?? GivenName.Read(EscapedText.OfName(Encoding.UTF8.GetBytes(recording.Header.Name)), out _) ?? throw new CommandException("the recording names no channel; give one");
        using var end = new GracefulEnd();
        using var writer = ReplayingEnd.Open(name, recording.Header, given.GetValue(_create), given.GetValue(_readers) ?? 0);
        long messages = 0, bytes = 0, missed = 0;
        var start = Stopwatch.GetTimestamp();
        try
        {
            while (writer.Readers().Count(reader => reader.State == PeerState.Alive) < (given.GetValue(_readers) ?? 0))
            {
                Pause(TimeSpan.FromMilliseconds(10), end.Token);
            }

            var (clock, first, speed) = (Stopwatch.GetTimestamp(), -1L, given.GetValue(_speed) ?? 1);
            for (var most = given.GetValue(_count) ?? long.MaxValue; messages < most && recording.TryRead(); messages++)
            {
                first = first < 0 ? recording.Entry.Time : first;
                Pause(TimeSpan.FromTicks((long)((recording.Entry.Time - first) / speed / TimeSpan.NanosecondsPerTick)) - Stopwatch.GetElapsedTime(clock), end.Token);
                Send(name, writer, recording, end.Token);
                (bytes, missed) = (bytes + recording.Message.Length, missed + recording.Entry.Missed);
            }

            if (given.GetValue(_complete))
            {
                writer.Complete();
            }
        }
        catch (OperationCanceledException)
        {
            // Ctrl-C: what was sent was sent. The channel is not completed: it was not everything.
        }

        var isCut = !recording.IsWhole && messages < (given.GetValue(_count) ?? long.MaxValue) && !end.Token.IsCancellationRequested;
        if (given.GetValue(_json))
        {
            ViewFacts.Write(
                terminal, new RecordingFacts(name.Text, ChannelLook.KindOf(recording.Header.Kind), messages, bytes, missed, Math.Round(Stopwatch.GetElapsedTime(start).TotalSeconds, 3), recording.IsWhole ? true : isCut ? false : null),
                ViewFacts.Lines.RecordingFacts);
        }
        else if (isCut)
        {
            terminal.Note($"the recording was cut: {ByteSize.Count(messages, "message")} were whole{(recording.Torn == 0 ? "" : $", and {ByteSize.Count(recording.Torn, "byte")} at its end are not")}");
        }

        return ExitCode.Done;
    }

    private static void Pause(TimeSpan span, CancellationToken cancellationToken)
    {
        // A wait ends at the next millisecond: what is due within one is due now.
        if (span >= TimeSpan.FromMilliseconds(1))
        {
            // A recording may name any time: no wait is longer than the system can wait.
            for (var left = span; left >= TimeSpan.FromMilliseconds(1) && !cancellationToken.IsCancellationRequested; left -= TimeSpan.FromDays(1))
            {
                cancellationToken.WaitHandle.WaitOne(left < TimeSpan.FromDays(1) ? left : TimeSpan.FromDays(1));
            }
        }

        cancellationToken.ThrowIfCancellationRequested();
    }

    private static void Send(GivenName name, ReplayingEnd writer, RecordingReader recording, CancellationToken cancellationToken)
    {
        try
        {
            writer.SendAsync(recording, cancellationToken).AsTask().GetAwaiter().GetResult();
        }
        catch (ArgumentException)
        {
            throw new CommandException($"{name}: a message of the recording has {recording.Message.Length} bytes, which is more than the channel carries");
        }
    }

    private static double? ReadSpeed(string text, out string? objection)
    {
        objection = null;
        if (text == AsFastAsPossible)
        {
            return double.PositiveInfinity;
        }

        if (double.TryParse(text, NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out var factor) && factor is >= 0.001 and <= 1_000_000)
        {
            return factor;
        }

        objection = $"'{EscapedText.Of(text)}' is not a valid FACTOR; examples: 0.5, 2, {AsFastAsPossible}";
        return null;
    }
}
