using System.Text;
using Posix.SharedMemory.Channels;

namespace Posix.SharedMemory.Tool.Tests;

/// <summary><c>shm topic record</c> and <c>replay</c>.</summary>
public sealed class Recording : IDisposable
{
    private readonly Objects _objects = new();
    private readonly TemporaryDirectory _directory = TemporaryDirectory.InMemory();

    private string File => _directory.File("one.shmrec");

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    [Rule("recording.round")]
    [Rule("recording.ends")]
    public void Messages_of_a_broadcast_come_again_as_they_were(bool isLossless)
    {
        var (name, copy) = (_objects.Prefix + "news", _objects.Prefix + "copy");
        using (var news = Broadcast.Create(name, new() { Capacity = 1 << 16, History = 10, SchemaId = 7, ContentType = "text/plain", MaxReaders = 3 }))
        {
            using var writer = news.OpenWriter();
            writer.Write("before"u8, type: 5);
            string[] lossless = isLossless ? ["--lossless"] : [];
            using var recording = Shm.Start(["topic", "record", name, File, "--json", .. lossless]);
            Watchdog.Until(() => writer.Readers.Any(reader => reader.State == PeerState.Alive), "the recorder");
            writer.Write([], type: 0);
            writer.Write(new byte[20_000], type: 1);
            writer.Write("last"u8, type: 65279);
            writer.Complete();
            var facts = Objects.Json(recording.Finish().Output);
            Assert.Equal((name, "broadcast", 4, 20_010, 0), (facts.GetProperty("name").GetString(), facts.GetProperty("kind").GetString(), facts.GetProperty("messages").GetInt32(), facts.GetProperty("bytes").GetInt32(), facts.GetProperty("missed").GetInt32()));
        }

        var replayed = Objects.Json(Shm.Print("topic", "replay", File, copy, "--create", "--speed", "max", "--json", "--complete"));
        Assert.Equal((4, 20_010, true), (replayed.GetProperty("messages").GetInt32(), replayed.GetProperty("bytes").GetInt32(), replayed.GetProperty("whole").GetBoolean()));
        using var again = Broadcast.Open(copy, schemaId: 7);
        var status = again.GetStatus();
        Assert.Equal(("text/plain", 1 << 16, ChannelState.Completed, 3), (status.ContentType, status.Capacity, status.State, status.Endpoints.Count - 1));
        using var reader = again.OpenReader(new BroadcastReaderOptions { Start = BroadcastStart.Oldest });
        foreach (var (type, bytes) in new (ushort, byte[])[] { (5, "before"u8.ToArray()), (0, []), (1, new byte[20_000]), (65279, "last"u8.ToArray()) })
        {
            var message = new byte[20_000];
            Assert.True(reader.TryRead(message, out var info));
            Assert.Equal((type, bytes.Length), (info.Type, info.Length));
            Assert.Equal(bytes, message[..info.Length]);
        }
    }

    [Fact]
    [Rule("recording.round")]
    public void Frames_come_again_as_they_were_with_what_describes_them()
    {
        var name = _objects.Prefix + "camera";
        var header = FrameHeader.ForImage(40, 30, channels: 3, format: FrameHeader.FourCC("RGB3"));
        using (var camera = FrameChannel.Create(name, new() { SlotLength = 5000, ContentType = "video" }))
        {
            using var writer = camera.OpenWriter();
            using var recording = Shm.Start("topic", "record", name, File, "--lossless", "--count", "3", "--json");
            Watchdog.Until(() => writer.Readers.Any(reader => reader.State == PeerState.Alive), "the recorder");
            // Sent until it has three, with which it may begin anywhere.
            for (byte number = 1; !recording.HasExited; number++)
            {
                var frame = writer.Loan(3600, Watchdog.Limit);
                frame.Span.Fill(number);
                (frame.Header, frame.Type) = (header, number);
                writer.Send(frame, Watchdog.Limit);
                Thread.Sleep(5);
            }

            Assert.Equal(3, Objects.Json(recording.Finish().Output).GetProperty("messages").GetInt32());
        }

        using var replaying = Shm.Start("topic", "replay", File, "--create", "--readers", "1", "--speed", "max", "--complete", "--json");
        Watchdog.Until(() => SharedMemoryObject.Exists(name), "the channel to be created");
        using var again = FrameChannel.Open(name);
        using var reader = again.OpenReader(new() { Overflow = FrameOverflow.Wait });
        byte? first = null;
        for (var count = 0; count < 3; count++)
        {
            Assert.True(reader.WaitToRead(Watchdog.Limit));
            Assert.True(reader.TryRead(out var frame));
            using (frame)
            {
                first ??= (byte)frame.Type;
                var number = (byte)(first.Value + count);
                Assert.Equal((header, number, 3600), (frame.Header, (byte)frame.Type, frame.Length));
                Assert.False(frame.ReadOnlySpan.ContainsAnyExcept(number));
            }
        }

        Assert.Equal(3, Objects.Json(replaying.Finish().Output).GetProperty("messages").GetInt32());
        Assert.False(reader.WaitToRead(Watchdog.Limit));
        SharedMemoryObject.TryUnlink(name);
    }

    [Fact]
    [Rule("recording.times")]
    public void A_replay_keeps_the_times_between_messages()
    {
        var name = _objects.Prefix + "news";
        using (var writer = RecordingWriter.Create(File, Header(name)))
        {
            for (var message = 0; message < 3; message++)
            {
                writer.Append("tick"u8, default, 0, message, missed: 0);
                Thread.Sleep(100);
            }

            writer.Complete();
        }

        double Seconds(string speed) => Objects.Json(Shm.Print("topic", "replay", File, "--create", "--speed", speed, "--json")).GetProperty("seconds").GetDouble();
        // No more than a millisecond early, each.
        Assert.InRange(Seconds("1"), 0.198, double.MaxValue);
        Assert.InRange(Seconds("0.5"), 0.398, double.MaxValue);
        Shm.Print("topic", "replay", File, "--speed", "max");
    }

    [Fact]
    [Rule("recording.missed")]
    public void A_recorder_that_is_stopped_holds_up_no_writer_and_knows_how_many_it_missed()
    {
        var name = _objects.Prefix + "news";
        using var news = Broadcast.Create(name, new() { Capacity = 4096 });
        using var writer = news.OpenWriter();
        using var recording = Shm.Start("topic", "record", name, File, "--json");
        Watchdog.Until(() => writer.Readers.Any(reader => reader.State == PeerState.Alive), "the recorder");
        using (var stop = Peer.Run("kill", "-STOP", $"{recording.ProcessId}"))
        {
            Assert.Equal(0, stop.Finish().ExitCode);
        }

        for (var message = 0; message < 100; message++)
        {
            Assert.True(writer.TryWrite(new byte[1000]));
        }

        using (var go = Peer.Run("kill", "-CONT", $"{recording.ProcessId}"))
        {
            Assert.Equal(0, go.Finish().ExitCode);
        }

        writer.Complete();
        var facts = Objects.Json(recording.Finish().Output);
        Assert.Equal(100, facts.GetProperty("messages").GetInt64() + facts.GetProperty("missed").GetInt64());
        Assert.InRange(facts.GetProperty("missed").GetInt64(), 90, 100);
        Assert.Equal(facts.GetProperty("missed").GetInt64(), Objects.Json(Shm.Print("topic", "replay", File, _objects.Prefix + "copy", "--create", "--speed", "max", "--json")).GetProperty("missed").GetInt64());
    }

    [Fact]
    [Rule("recording.cut")]
    public void A_killed_recorder_leaves_what_it_had_read_before_it_waited()
    {
        var name = _objects.Prefix + "news";
        using var news = Broadcast.Create(name);
        using var writer = news.OpenWriter();
        using (var recording = Shm.Start("topic", "record", name, File))
        {
            Watchdog.Until(() => writer.Readers.Any(reader => reader.State == PeerState.Alive), "the recorder");
            writer.Write("one"u8);
            writer.Write("two"u8);
            Watchdog.Until(() => new FileInfo(File) is { Exists: true } file && file.Length >= RecordingHeader.Size + (2 * 40), "two messages in the file");
            recording.Kill();
        }

        var facts = Objects.Json(Shm.Print("topic", "replay", File, _objects.Prefix + "copy", "--create", "--speed", "max", "--json"));
        Assert.Equal((2, false), (facts.GetProperty("messages").GetInt32(), facts.GetProperty("whole").GetBoolean()));
    }

    [Fact]
    [Rule("recording.ends")]
    public void A_recording_whose_writer_dies_or_leaves_has_an_end()
    {
        var name = _objects.Prefix + "news";
        using var news = Broadcast.Create(name);
        var writer = news.OpenWriter();
        using var recording = Shm.Start("topic", "record", name, File);
        Watchdog.Until(() => writer.Readers.Any(reader => reader.State == PeerState.Alive), "the recorder");
        writer.Write("one"u8);
        writer.Dispose();
        var ran = recording.Finish();
        Assert.Equal((1, $"shm: topic record: {name}: the writer left without completing the channel; --reconnect waits for the next one\n"), (ran.ExitCode, ran.Errors));
        Assert.Equal(["one"], Texts(File, out var reader));
        Assert.True(reader.IsWhole);
    }

    [Fact]
    [Rule("recording.cut")]
    public void A_recording_that_is_cut_at_any_byte_is_read_up_to_its_last_whole_message()
    {
        var ends = Write("one", "", "three", "a longer message");
        var bytes = System.IO.File.ReadAllBytes(File);
        for (var length = RecordingHeader.Size; length < bytes.Length; length++)
        {
            System.IO.File.WriteAllBytes(File, bytes[..length]);
            var texts = Texts(File, out var reader);
            Assert.Equal(ends.Count(end => end <= length), texts.Count);
            Assert.Equal((false, length - (texts.Count == 0 ? RecordingHeader.Size : ends[texts.Count - 1])), (reader.IsWhole, reader.Torn));
            // Room that the file system had given, and did not fill.
            System.IO.File.WriteAllBytes(File, [.. bytes[..(length & ~7)], .. new byte[64]]);
            if (ends.Contains(length & ~7) || (length & ~7) == RecordingHeader.Size)
            {
                texts = Texts(File, out reader);
                Assert.Equal((ends.Count(end => end <= length), false, 64), (texts.Count, reader.IsWhole, reader.Torn));
            }
        }
    }

    [Fact]
    [Rule("recording.bounded")]
    [Rule("recording.refused")]
    public void Damage_anywhere_is_found_and_no_damaged_message_is_read()
    {
        string[] messages = ["one", "", "three", "a longer message"];
        var ends = Write(messages);
        var bytes = System.IO.File.ReadAllBytes(File);
        var random = new Random(1);
        var before = GC.GetTotalAllocatedBytes();
        for (var round = 0; round < 4000; round++)
        {
            var damaged = bytes.ToArray();
            var (at, value) = (round < bytes.Length ? round : random.Next(bytes.Length), (byte)random.Next(1, 256));
            damaged[at] ^= value;
            System.IO.File.WriteAllBytes(File, damaged);
            try
            {
                var texts = Texts(File, out _);
                // A last message that does not fit was cut; padding means nothing.
                Assert.Equal(messages[..texts.Count], texts);
            }
            catch (CommandException e)
            {
                Assert.True(e.Message.Contains("is damaged at byte ", StringComparison.Ordinal) || e.Message.Contains("this is not a recording", StringComparison.Ordinal), e.Message);
            }
        }

        // Whatever length was claimed: each reader has its buffers, and no more than the file.
        Assert.InRange((GC.GetTotalAllocatedBytes() - before) / 4000, 0, 1 << 20);
        Assert.Equal(4, ends.Count);
    }

    [Fact]
    [Rule("recording.refused")]
    [Rule("recording.kept")]
    public void A_file_or_a_channel_that_does_not_fit_is_refused_before_anything_is_changed()
    {
        string name = _objects.Prefix + "news", jobs = _objects.Prefix + "jobs", copy = _objects.Prefix + "copy";
        using var news = Broadcast.Create(name);
        using var queue = MessageChannel.Create(jobs);
        System.IO.File.WriteAllText(File, "not a recording");
        Assert.Equal($"shm: topic record: {File}: the file exists; give another name, or remove it", Shm.Fail("topic", "record", name, File));
        Assert.Equal($"shm: topic replay: {File}: this is not a recording of shm topic record, or one of another version, or its beginning is damaged", Shm.Fail("topic", "replay", File, copy, "--create"));
        Assert.Equal($"shm: topic replay: {_directory.Path}: this is a directory", Shm.Fail("topic", "replay", _directory.Path, copy, "--create"));
        Assert.EndsWith("No such file or directory (ENOENT)", Shm.Fail("topic", "replay", _directory.File("none"), copy, "--create"), StringComparison.Ordinal);
        Assert.False(SharedMemoryObject.Exists(copy));
        System.IO.File.Delete(File);
        Assert.StartsWith($"shm: topic record: {jobs}: the channel is of kind message; only broadcasts and frames can be recorded", Shm.Fail("topic", "record", jobs, File), StringComparison.Ordinal);
        Assert.False(System.IO.File.Exists(File));
        Write("one");
        Assert.Equal($"shm: topic replay: {jobs}: the channel is of kind message, and the recording of kind broadcast", Shm.Fail("topic", "replay", File, jobs));
        using var writer = news.OpenWriter();
        Assert.Contains("EBUSY", Shm.Fail("topic", "replay", File, name), StringComparison.Ordinal);
        Assert.Contains("'0' is not a valid FACTOR; examples: 0.5, 2, max", Shm.Refuse("topic", "replay", File, "--speed", "0"), StringComparison.Ordinal);
    }

    [Fact]
    [Rule("recording.failing")]
    public void A_file_that_cannot_be_written_or_read_is_named_by_the_failure()
    {
        var name = _objects.Prefix + "news";
        using var news = Broadcast.Create(name, new() { Capacity = 1 << 18, History = 1 });
        using var writer = news.OpenWriter();
        writer.Write(new byte[100_000]);
        // A limit of 64 KiB for the files of a process.
        var ran = Shm.Shell($"trap '' XFSZ; ulimit -f 128; exec \"$SHM\" topic record {name} {File} --count 1", ("DOTNET_EnableWriteXorExecute", "0"));
        Assert.StartsWith($"shm: topic record: {File}: ", Shm.OneLine(ran, exitCode: 1), StringComparison.Ordinal);
        System.IO.File.CreateSymbolicLink(_directory.File("loop"), "loop");
        var under = _directory.File("loop") + "/one";
        Assert.Equal($"shm: topic record: {under}: Too many levels of symbolic links (ELOOP)", Shm.Fail("topic", "record", name, under));
        Assert.Equal($"shm: topic replay: {under}: Too many levels of symbolic links (ELOOP)", Shm.Fail("topic", "replay", under, name));
    }

    [Fact]
    [Rule("recording.readers")]
    public void More_readers_than_the_channel_has_room_for_are_refused_before_anything_is_created()
    {
        string copy = _objects.Prefix + "copy", other = _objects.Prefix + "other";
        Write("one");
        Assert.Equal($"shm: topic replay: {copy}: the channel has room for 2 readers, and --readers asks for 3", Shm.Fail("topic", "replay", File, copy, "--create", "--readers", "3"));
        Assert.False(SharedMemoryObject.Exists(copy));
        using var one = Broadcast.Create(other, new() { MaxReaders = 1 });
        Assert.Equal($"shm: topic replay: {other}: the channel has room for 1 reader, and --readers asks for 2", Shm.Fail("topic", "replay", File, other, "--create", "--readers", "2"));
    }

    [Fact]
    [Rule("recording.create")]
    public void A_replay_creates_frames_as_they_were_recorded_for_this_user_alone()
    {
        var (name, copy) = (_objects.Prefix + "camera", _objects.Prefix + "copy");
        using (var camera = FrameChannel.Create(name, new() { SlotLength = 5000, SlotCount = 20, MaxReaders = 3, SchemaId = 9, ContentType = "video", Alignment = 64, Permissions = UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.OtherRead }))
        using (RecordingWriter.Create(File, RecordingHeader.Of(name, camera.GetStatus())))
        {
        }

        Shm.Run("topic", "replay", File, copy, "--create");
        using var again = FrameChannel.Open(copy, schemaId: 9);
        var status = again.GetStatus();
        Assert.Equal(("video", 3), (status.ContentType, status.Endpoints.Count - 1));
        Assert.Equal(20, status.Capacity / status.MaxMessageLength);
        Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, again.Memory.Permissions);
        // Whatever a file asks for, it gets no more than this.
        var greedy = new RecordingHeader(ChannelKind.Frames, copy, 1, long.MaxValue, 1, 0, "", DateTimeOffset.UnixEpoch);
        System.IO.File.Delete(File);
        RecordingWriter.Create(File, greedy).Dispose();
        Shm.Run("topic", "replay", File, _objects.Prefix + "greedy", "--create");
        using var bounded = FrameChannel.Open(_objects.Prefix + "greedy");
        Assert.Equal(1024, bounded.GetStatus().Capacity / bounded.GetStatus().MaxMessageLength);
    }

    [Fact]
    [Rule("recording.refused")]
    public void A_type_that_is_the_channels_own_is_damage()
    {
        using (var writer = RecordingWriter.Create(File, Header(_objects.Prefix + "news")))
        {
            writer.Append("good"u8, default, 0xFEFF, 0, missed: 0);
            writer.Append("bad"u8, default, 0xFF00, 1, missed: 0);
            writer.Complete();
        }

        Assert.Equal($"shm: topic replay: {File}: the recording is damaged at byte {RecordingHeader.Size + 40}", Shm.Fail("topic", "replay", File, _objects.Prefix + "copy", "--create", "--speed", "max"));
    }

    [Fact]
    public void Bytes_a_second_are_measured()
    {
        var name = _objects.Prefix + "news";
        using var news = Broadcast.Create(name);
        using var writer = news.OpenWriter();
        using var measuring = Shm.Start("topic", "bw", name, "--json", "--interval", "0.2");
        for (var lines = 0; lines < 1;)
        {
            writer.TryWrite(new byte[1000]);
            writer.TryWrite(new byte[3000]);
            var facts = Objects.Json(measuring.ReadLine());
            if (facts.GetProperty("messages").GetInt64() is > 0 and var messages)
            {
                lines++;
                Assert.InRange(facts.GetProperty("bytes_per_second").GetDouble() / facts.GetProperty("messages_per_second").GetDouble(), 900, 3100);
                Assert.Equal(0, messages % 2);
            }
        }

        writer.Complete();
        Assert.Equal(0, measuring.Finish().ExitCode);
        Assert.StartsWith("  BYTES/S  MESSAGES/S  SIZE mean", Shm.Print("topic", "bw", name, "--count", "1", "--interval", "0.01"), StringComparison.Ordinal);
    }

    public void Dispose()
    {
        _objects.Dispose();
        _directory.Dispose();
    }

    private static RecordingHeader Header(string name) => new(ChannelKind.Broadcast, name, 1000, 4096, 2, 0, "", DateTimeOffset.UnixEpoch);

    /// <summary>Writes a recording of a broadcast.</summary>
    /// <returns>Where each message ends.</returns>
    private List<int> Write(params string[] messages)
    {
        var ends = new List<int>();
        using var writer = RecordingWriter.Create(File, Header(_objects.Prefix + "news"));
        foreach (var (number, message) in messages.Index())
        {
            writer.Append(Encoding.UTF8.GetBytes(message), default, (ushort)number, number, missed: 0);
            ends.Add((int)writer.FileLength);
        }

        writer.Complete();
        return ends;
    }

    private static List<string> Texts(string file, out RecordingReader reader)
    {
        var texts = new List<string>();
        using (reader = RecordingReader.Open(file))
        {
            while (reader.TryRead())
            {
                texts.Add(Encoding.UTF8.GetString(reader.Message.Span));
            }
        }

        return texts;
    }
}
