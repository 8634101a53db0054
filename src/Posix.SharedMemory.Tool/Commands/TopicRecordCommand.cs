using System.CommandLine;
using Posix.SharedMemory.Channels;

namespace Posix.SharedMemory.Tool;

/// <summary><c>shm topic record</c>: the messages of a channel into a file.</summary>
internal sealed class TopicRecordCommand : ShmCommand
{
    internal const string Label = "shm topic record";

    private readonly Argument<GivenName> _name = Given.Name("NAME", "The channel: a broadcast, or frames");
    private readonly Argument<string> _file = Given.File("The file to create");
    private readonly Option<bool> _lossless = Given.Flag("--lossless", "Miss no message: the writer waits where the file cannot be written as fast. By default it does not wait, and what was missed is counted");
    private readonly Option<int?> _count = Given.Count("End after N messages");
    private readonly Option<long?> _size = Given.Size("--size", "SIZE", "End with the first message that makes the file this long");
    private readonly Option<TimeSpan?> _timeout = Given.Seconds("--timeout", "Give up when no message comes for this long; by default, wait");
    private readonly Option<bool> _reconnect = Given.Flag("--reconnect", "When the writer dies or leaves, wait for the next one");
    private readonly Option<bool> _json = Given.Flag("--json", "Print what was recorded as one line of JSON");

    internal TopicRecordCommand()
        : base(
            "record",
            "Record the messages of a broadcast, or frames, into a file, each with its time, until the channel is completed or Ctrl-C. It reads as one more reader, from the oldest message that is kept; shm topic replay sends them again.",
            "shm topic record quotes quotes.shmrec",
            "shm topic record camera camera.shmrec --lossless --count 600")
    {
        Add(_name);
        Add(_file);
        foreach (var option in (Option[])[_lossless, _count, _size, _timeout, _reconnect, _json])
        {
            Add(option);
        }
    }

    protected override int Run(ParseResult given, Terminal terminal)
    {
        var name = given.GetRequiredValue(_name);
        using var end = new GracefulEnd();
        var memory = name.Open(FileAccess.ReadWrite);
        RecordedEnd reader;
        ChannelStatus status;
        try
        {
            status = TopicCommand.RequireChannel(name, memory);
            reader = RecordedEnd.Open(name, memory, status, given.GetValue(_lossless), given.GetValue(_reconnect) ? PeerRestart.Wait : PeerRestart.Fail);
        }
        catch
        {
            memory.Dispose();
            throw;
        }

        using (reader)
        {
            using var recording = RecordingWriter.Create(given.GetRequiredValue(_file), RecordingHeader.Of(name.Text, status));
            try
            {
                Record(given, name, reader, recording, end.Token);
            }
            finally
            {
                // Also where the writer died: what it had committed is there, and that is where it ends.
                recording.Complete();
                Report(given, terminal, new(name.Text, ChannelLook.KindOf(status.Kind), recording.Messages, recording.Bytes, recording.Missed, Math.Round(recording.Elapsed.TotalSeconds, 3), null));
            }
        }

        return ExitCode.Done;
    }

    private void Record(ParseResult given, GivenName name, RecordedEnd reader, RecordingWriter recording, CancellationToken cancellationToken)
    {
        var (timeout, most) = (given.GetValue(_timeout), given.GetValue(_count) ?? long.MaxValue);
        var room = (given.GetValue(_size) ?? long.MaxValue) - RecordingEntry.Size;
        try
        {
            while (recording.Messages < most && recording.FileLength < room && MessageWait.For(name, reader.WaitAsync, timeout, "recorded", cancellationToken))
            {
                while (recording.Messages < most && recording.FileLength < room && !cancellationToken.IsCancellationRequested && reader.TryRecord(recording))
                {
                }

                recording.Flush();
            }
        }
        catch (OperationCanceledException)
        {
            // Ctrl-C is the normal way to end it.
        }
    }

    private void Report(ParseResult given, Terminal terminal, RecordingFacts facts)
    {
        if (given.GetValue(_json))
        {
            ViewFacts.Write(terminal, facts, ViewFacts.Lines.RecordingFacts);
        }
        else
        {
            terminal.Note($"{ByteSize.Count(facts.Messages, "message")} with {ByteSize.Short(facts.Bytes)} recorded{(facts.Missed == 0 ? "" : $"; {facts.Missed} missed")}");
        }
    }
}
