using System.Runtime.Versioning;
using System.Text;
using System.Text.Json;
using Posix.SharedMemory.Channels;

namespace Posix.SharedMemory.Tool.Tests;

/// <summary>Channels: <c>shm topic</c>, and what <c>ls</c>, <c>stat</c> and <c>top</c> know of them.</summary>
[SupportedOSPlatform("linux")]
public sealed class LookingAtChannels : IDisposable
{
    private readonly Objects _objects = new();

    [Fact]
    public void Lists_show_kind_fill_and_ends_and_a_dead_reader_in_words()
    {
        string name = _objects.Prefix + "quotes", frames = _objects.Add("frames");
        Assert.DoesNotContain("KIND", Shm.Print("ls", _objects.All), StringComparison.Ordinal);
        using var channel = MessageChannel.Create(name, new() { Capacity = 4096, ContentType = "text/\u001bplain" });
        Assert.Contains("W0 R0", Shm.Print("topic", "ls", name), StringComparison.Ordinal);
        using var writer = channel.OpenWriter(new() { Label = "fe\u001b[31med" });
        writer.Write(new byte[1016]);
        int process;
        using (var peer = Shm.Start("topic", "recv", name, "--count", "2"))
        {
            process = peer.ProcessId;
            Watchdog.Until(() => channel.GetStatus().Endpoints[1].State == PeerState.Alive && channel.GetStatus().Used == 0, "the reader to have taken the message");
            Assert.Contains("W1 R1", Shm.Print("ls", name), StringComparison.Ordinal);
            peer.Kill();
        }

        writer.Write(new byte[1016]);
        var listed = _objects.Normal(Shm.Print("ls", _objects.All)).Split('\n');
        Assert.EndsWith("KIND     FILL  ENDS       NAME", listed[0], StringComparison.Ordinal);
        Assert.EndsWith("message   25%  W1 R died  quotes", listed[2], StringComparison.Ordinal);
        var topics = Shm.Print("topic", "ls", _objects.All);
        Assert.Matches(@"message +open +W1 R died +25% +4K +2 +2K +text/\\x1Bplain +", topics);
        Assert.Matches("message +open +W1 R died ", Shm.Print("topic", "ls", name));
        var fact = Assert.Single(Objects.Json(Shm.Print("topic", "ls", _objects.All, "--json")).EnumerateArray());
        var same = Objects.Json(Shm.Print("ls", name, "--json"))[0];
        Assert.All((JsonElement[])[fact, same], facts => Assert.Equal(
            ("message", 0.25, 2, 2032), (facts.GetProperty("kind").GetString(), facts.GetProperty("fill").GetDouble(), facts.GetProperty("messages").GetInt64(), facts.GetProperty("bytes").GetInt64())));
        Assert.Equal(4096, fact.GetProperty("capacity").GetInt64());
        var ends = fact.GetProperty("endpoints");
        Assert.Equal(
            [("writer", "alive", Environment.ProcessId, "fe\u001b[31med"), ("reader", "died", process, "shm topic recv")],
            ends.EnumerateArray().Select(end => (end.GetProperty("role").GetString(), end.GetProperty("state").GetString(), end.GetProperty("pid").GetInt32(), end.GetProperty("label").GetString())));
        Assert.Equal($"{name}\n", Shm.Print("topic", "ls", "--names", _objects.All));
        var status = Shm.Print("stat", name);
        Assert.Contains("\nChannel:   message; open; 1K of 4K waiting (25%); 2 messages, 2K written\nCarries:   messages of up to 2040 bytes, text/\\x1Bplain\n", status, StringComparison.Ordinal);
        Assert.Matches($@"\nwriter  alive +{Environment.ProcessId} +\w+  fe\\x1B\[31med\nreader  died +{process} +\w+  shm topic recv\n", status);
        Assert.Equal("open", Objects.Json(Shm.Print("stat", name, "--json")).GetProperty("channel").GetProperty("state").GetString());
        Assert.Equal(JsonValueKind.Null, Objects.Json(Shm.Print("stat", frames, "--json")).GetProperty("channel").ValueKind);
        Assert.Matches(@"MSG/S +FILL  NAME\n(.*\n)*?.* 25%  .*quotes\n", Shm.Print("top", "--once", "--filter", _objects.Prefix));
        writer.Complete();
        Assert.Contains("completed", Shm.Print("topic", "ls", name), StringComparison.Ordinal);
    }

    [Fact]
    public void A_tap_shows_waiting_messages_in_every_format_and_changes_no_byte()
    {
        var name = _objects.Prefix + "quotes";
        using var channel = MessageChannel.Create(name, new() { Capacity = 4096 });
        using var writer = channel.OpenWriter();
        using var reader = channel.OpenReader();
        byte[] numbers = [.. BitConverter.GetBytes((short)-2), 0, 0, .. BitConverter.GetBytes(7), .. BitConverter.GetBytes(1.5), (byte)'a', 0, 1, 2, 3];
        writer.Write("red \u001b[31m \\ é"u8, type: 3);
        writer.Write(numbers, type: 4);
        writer.Write([]);
        var before = Objects.Read(name);
        var lines = Shm.Print("topic", "tap", name, "--once").Split('\n');
        Assert.Matches(@"^TIME +TYPE +BYTES  MESSAGE$", lines[0]);
        Assert.Matches(@"^\d\d:\d\d:\d\d\.\d{3} +3 +14  7265", lines[1]);
        Assert.Matches(@" +4 +21  feff0000070000", lines[2]);
        Assert.Matches(@" +0 +0  $", lines[3]);
        Assert.EndsWith("red \\x1B[31m \\ é", Shm.Print("topic", "tap", name, "--count", "1", "--text").TrimEnd('\n'), StringComparison.Ordinal);
        Assert.EndsWith("  " + Convert.ToHexStringLower(numbers), Shm.Print("topic", "tap", name, "--count", "1", "--hex", "--type", "4").TrimEnd('\n'), StringComparison.Ordinal);
        Assert.EndsWith("  -2 7 1.5 a 1 2 3", Shm.Print("topic", "tap", name, "--count", "1", "--struct", "i16 i32 f64 s2 u8[3]", "--type", "4").TrimEnd('\n'), StringComparison.Ordinal);
        Assert.EndsWith("  (the fields need 8 bytes)", Shm.Print("topic", "tap", name, "--once", "--struct", "f64", "--type", "0").TrimEnd('\n').Replace("    0  ", "", StringComparison.Ordinal), StringComparison.Ordinal);
        var json = Shm.Print("topic", "tap", name, "--json", "--once").TrimEnd('\n').Split('\n').Select(Objects.Json).ToArray();
        Assert.Equal([(3, 14), (4, 21), (0, 0)], json.Select(line => (line.GetProperty("type").GetInt32(), line.GetProperty("length").GetInt32())));
        Assert.Equal(("red \u001b[31m \\ é", ""), (json[0].GetProperty("text").GetString(), json[2].GetProperty("text").GetString()));
        Assert.Equal(numbers, json[1].GetProperty("base64").GetBytesFromBase64());
        Assert.Equal(
            "[-2,7,1.5,\"a\"]",
            Objects.Json(Shm.Print("topic", "tap", name, "--json", "--count", "1", "--type", "4", "--struct", "i16 i32 f64 s2")).GetProperty("fields").GetRawText());
        Assert.Equal(before, Objects.Read(name));
        // The reader gets everything, and was not noticed to be looked at.
        Assert.True(reader.TryRead(new byte[100], out var length, out var type));
        Assert.Equal((14, 3), (length, type));
    }

    [Fact]
    public void A_tap_follows_a_living_channel_until_it_is_completed()
    {
        var name = _objects.Prefix + "quotes";
        using var channel = MessageChannel.Create(name, new() { Capacity = 1 << 16 });
        using var writer = channel.OpenWriter();
        using var reader = channel.OpenReader();
        using var tap = Shm.Start("topic", "tap", name, "--json");
        for (var number = 0; number < 20; number++)
        {
            // Taken at once: the tap comes later, and shows it all the same.
            writer.Write(Encoding.UTF8.GetBytes($"{number}"));
            Assert.True(reader.TryRead(out MessageLease message));
            message.Dispose();
        }

        // It began before or after them, and shows from there on all that it did not miss, in order.
        writer.Write("last"u8);
        string text;
        var before = -1;
        while ((text = Objects.Json(tap.ReadLine()).GetProperty("text").GetString()!) != "last")
        {
            var number = int.Parse(text, System.Globalization.CultureInfo.InvariantCulture);
            Assert.True(number > before);
            before = number;
        }

        Assert.True(reader.TryRead(out MessageLease last));
        last.Dispose();
        writer.Write("taken before it is looked at"u8);
        Assert.True(reader.TryRead(out last));
        last.Dispose();
        Assert.Equal("taken before it is looked at", Objects.Json(tap.ReadLine()).GetProperty("text").GetString());
        writer.Complete();
        Assert.Equal((0, "", ""), tap.Finish());
    }

    [Theory]
    [InlineData("one\ntwo\n\nfour", "newline", "one|two||four")]
    [InlineData("one\n\0two\0", "nul", "one\n|two")]
    [InlineData("one\ntwo\n", "none", "one\ntwo\n")]
    [InlineData("", "newline", null)]
    [InlineData("", "none", "")]
    public void Input_becomes_messages_and_messages_become_output(string input, string delimiter, string? expected)
    {
        var name = _objects.Prefix + "jobs";
        Assert.Equal((0, "", ""), (Shm.Run(Encoding.UTF8.GetBytes(input), "topic", "send", name, "--create", "--capacity", "4K", "--type", "9", "--complete", "--delimiter", delimiter) is var sent ? sent.ExitCode : 0, sent.Output, sent.Errors));
        var texts = Shm.Print("topic", "tap", name, "--json").Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(line => Objects.Json(line).GetProperty("text").GetString());
        Assert.Equal(expected?.Split('|') ?? [], texts);
        var printed = Shm.Print("topic", "recv", name, "--delimiter", "nul");
        Assert.Equal(string.Concat((expected?.Split('|') ?? []).Select(text => text + "\0")), printed);
    }

    [Fact]
    public async Task Long_input_and_large_messages_arrive_byte_for_byte()
    {
        var name = _objects.Prefix + "jobs";
        using var channel = MessageChannel.Create(name, new() { Capacity = 1 << 18 });
        var random = new Random(7);
        var bytes = new byte[600_000];
        random.NextBytes(bytes);
        for (var at = random.Next(9_000); at < bytes.Length; at += random.Next(9_000))
        {
            bytes[at] = (byte)'\n';
        }

        bytes[^1] = (byte)'\n';
        // It is longer than the ring: both ends wait for each other.
        using var receiving = Shm.Start("topic", "recv", name, "--delimiter", "newline", "--json");
        var end = Task.Run(() => receiving.Finish());
        var sent = Shm.Run(bytes, "topic", "send", name, "--complete");
        Assert.Equal((0, "", ""), (sent.ExitCode, sent.Output, sent.Errors));
        var received = await end;
        Assert.Equal((0, ""), (received.ExitCode, received.Errors));
        var lines = received.Output.Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(Objects.Json);
        using var joined = new MemoryStream();
        foreach (var line in lines)
        {
            joined.Write(line.TryGetProperty("text", out var text) ? Encoding.UTF8.GetBytes(text.GetString()!) : line.GetProperty("base64").GetBytesFromBase64());
            joined.WriteByte((byte)'\n');
        }

        Assert.True(bytes.AsSpan().SequenceEqual(joined.ToArray()));
    }

    [Fact]
    public void A_message_that_could_not_be_printed_stays_in_the_channel()
    {
        var name = _objects.Prefix + "jobs";
        Shm.Print("topic", "send", "--create", name, "one", "two");
        Assert.Matches("^shm: topic recv: standard output: .*ENOSPC", Shm.OneLine(Shm.Shell($"$SHM topic recv {name} > /dev/full"), exitCode: 1));
        Assert.Equal("one\n", Shm.Print("topic", "recv", name, "--count", "1"));
        Assert.Equal("two\n", Shm.Print("topic", "recv", name, "--count", "1"));
    }

    [Fact]
    public void Sending_and_receiving_fail_with_the_reason()
    {
        string name = _objects.Prefix + "jobs", typed = _objects.Prefix + "typed", plain = _objects.Add("frames", 16384);
        using var channel = MessageChannel.Create(name, new() { Capacity = 4096, Lifetime = Lifetime.Keep });
        Assert.Equal($"shm: topic recv: {name}: no message came within 0.05 s; shm topic ls shows which ends are open", Shm.Fail("topic", "recv", name, "--timeout", "0.05"));
        Assert.Equal($"shm: topic send: {name}: a message has 2041 bytes, and the longest that this channel carries has 2040", Shm.Fail("topic", "send", name, new string('a', 2041)));
        Assert.Equal("shm: topic send: standard input: a message has more than 2040 bytes, the longest that this channel carries", Shm.OneLine(Shm.Run(new byte[5000], "topic", "send", name), exitCode: 1));
        using (var writer = channel.OpenWriter(new() { Label = "feed" }))
        {
            var busy = Shm.Fail("topic", "send", name, "x");
            Assert.Contains("EBUSY", busy, StringComparison.Ordinal);
            Assert.Contains("feed", busy, StringComparison.Ordinal);
            writer.Write(new byte[2040]);
            writer.Write(new byte[2032]);
        }

        using (channel.OpenReader())
        {
            Assert.Equal($"shm: topic send: {name}: there was no room for 100 bytes within 0.05 s; shm topic ls shows which ends are open", Shm.Fail("topic", "send", name, new string('a', 100), "--timeout", "0.05"));
            Assert.Contains("EBUSY", Shm.Fail("topic", "recv", name), StringComparison.Ordinal);
        }

        Assert.Equal($"shm: topic send: {name}: the ring is full, and the reader has left; shm topic recv takes messages out", Shm.Fail("topic", "send", name, new string('a', 100)));
        Shm.Print("topic", "recv", name, "--count", "2", "--hex");
        Assert.Equal($"shm: topic recv: {name}: the writer left without completing the channel; --reconnect waits for the next one", Shm.Fail("topic", "recv", name));
        Shm.Print("topic", "send", name, "--complete");
        Assert.Contains("completed", Shm.Fail("topic", "send", name, "x"), StringComparison.Ordinal);
        Assert.Equal("", Shm.Print("topic", "recv", name));
        using var elements = SharedChannel.Create<long>(typed, 16);
        Assert.Contains("elements of 8 bytes", Shm.Fail("topic", "send", typed, "12345678"), StringComparison.Ordinal);
        using (var writer = elements.OpenWriter())
        {
            writer.TryWrite(-5);
            writer.TryComplete();
        }

        Assert.Equal("-5\n", Shm.Print("topic", "recv", typed, "--struct", "i64"));
        foreach (var verb in (string[])["tap", "send", "recv", "hz", "ls"])
        {
            Assert.Equal($"shm: topic {verb}: {plain}: this is not a channel; shm topic ls shows which objects are", Shm.Fail("topic", verb, plain));
            Assert.Contains("(ENOENT)", Shm.Fail("topic", verb, _objects.Prefix + "none"), StringComparison.Ordinal);
        }
    }

    [Theory]
    [InlineData(7, 2, "its first bytes are")]
    [InlineData(8, 200, "kind 200")]
    [InlineData(12, 64, "the features 0x40")]
    [InlineData(288, 77, "the writer's state")]
    public void Channels_that_cannot_be_read_are_listed_with_the_reason(int offset, byte value, string reason)
    {
        string name = _objects.Prefix + "odd";
        MessageChannel.Create(name, new() { Capacity = 4096, Lifetime = Lifetime.Keep }).Dispose();
        using (var memory = SharedMemoryObject.Open(name))
        {
            memory.Write([value], offset);
        }

        foreach (var verb in (string[])["tap", "send", "recv", "hz"])
        {
            Assert.Contains(reason, Shm.Fail("topic", verb, name), StringComparison.Ordinal);
        }

        var listed = Shm.Print("topic", "ls", name);
        Assert.Contains("channel  unreadable", listed, StringComparison.Ordinal);
        Assert.Contains(reason, listed, StringComparison.Ordinal);
        Assert.Contains(reason, Objects.Json(Shm.Print("topic", "ls", name, "--json"))[0].GetProperty("problem").GetString(), StringComparison.Ordinal);
        Assert.Matches(@"channel +\? +\? +", Shm.Print("ls", name));
        Assert.Contains($"Channel:   cannot be read: ", Shm.Print("stat", name), StringComparison.Ordinal);
    }

    [Fact]
    public void A_channel_that_is_cut_is_an_error_and_not_a_crash()
    {
        var name = _objects.Prefix + "cut";
        MessageChannel.Create(name, new() { Capacity = 1 << 16, Lifetime = Lifetime.Keep }).Dispose();
        Shm.Print("topic", "send", name, new string('a', 10_000));
        using var tap = Shm.Start("topic", "tap", name, "--hex");
        Assert.Contains("TIME", tap.ReadLine(), StringComparison.Ordinal);
        Assert.Contains("10000  6161", tap.ReadLine(), StringComparison.Ordinal);
        using var rates = Shm.Start("topic", "hz", name, "--json", "--interval", "0.01");
        rates.ReadLine();
        Shm.Print("resize", name, "12288", "--force");
        var failed = Shm.Fail("topic", "tap", name);
        Assert.Contains("its header says 73728 bytes, and it has 12288", failed, StringComparison.Ordinal);
        Assert.Contains("73728", Shm.Fail("topic", "recv", name), StringComparison.Ordinal);
        Assert.Contains("unreadable", Shm.Print("topic", "ls", name), StringComparison.Ordinal);
        Shm.Print("resize", name, "0", "--force");
        Assert.Contains("this is not a channel", Shm.Fail("topic", "tap", name), StringComparison.Ordinal);
        foreach (var peer in (Peer[])[tap, rates])
        {
            var (code, _, errors) = peer.Finish();
            Assert.Equal(1, code);
            Assert.Matches($"^shm: topic (tap|hz): .*\n$", errors);
        }
    }

    [SkippableFact]
    public void A_channel_of_another_user_is_counted_and_not_reported_as_absent()
    {
        Skip.If(Privileged.StrangerObstacle is not null, Privileged.StrangerObstacle);
        using var copy = new CommandCopy();
        var name = _objects.Prefix + "secret";
        MessageChannel.Create(name, new() { Capacity = 4096, Lifetime = Lifetime.Keep }).Dispose();
        Assert.Equal($"shm: topic tap: {name}: Permission denied (EACCES): the object belongs to root and has mode 0600", Shm.OneLine(copy.RunAsStranger("topic", "tap", name), exitCode: 1));
        Assert.Equal("0 channels; 1 object could not be read\n", copy.RunAsStranger("topic", "ls", _objects.All).Output);
        var fact = Assert.Single(Objects.Json(copy.RunAsStranger("topic", "ls", _objects.All, "--json").Output).EnumerateArray());
        Assert.Equal((name, null, null), (fact.GetProperty("name").GetString(), fact.GetProperty("kind").GetString(), fact.GetProperty("state").GetString()));
        Assert.EndsWith("(EACCES)", fact.GetProperty("problem").GetString(), StringComparison.Ordinal);
        var listed = Objects.Json(copy.RunAsStranger("ls", name, "--json").Output)[0];
        Assert.Equal((null, false), (listed.GetProperty("kind").GetString(), listed.GetProperty("kind_known").GetBoolean()));
        Assert.Contains("(EACCES)", Shm.OneLine(copy.RunAsStranger("topic", "ls", name), exitCode: 1), StringComparison.Ordinal);
    }

    [Fact]
    public void Rates_are_computed_from_the_counters_of_the_writer()
    {
        var name = _objects.Prefix + "quotes";
        using var channel = MessageChannel.Create(name, new() { Capacity = 1 << 20 });
        using var writer = channel.OpenWriter();
        writer.Write(new byte[4000]);
        using var meter = Shm.Start("topic", "hz", name, "--json", "--interval", "0.05");
        Assert.Equal(0, Objects.Json(meter.ReadLine()).GetProperty("messages").GetInt64());
        for (var number = 1; number <= 100; number++)
        {
            writer.Write(new byte[number]);
        }

        writer.Complete();
        long messages = 0, seen = 0, most = 0;
        var (code, output, errors) = meter.Finish();
        foreach (var facts in output.Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(Objects.Json))
        {
            messages += facts.GetProperty("messages").GetInt64();
            seen += facts.GetProperty("seen").GetInt64();
            most = facts.TryGetProperty("sizes", out var sizes) ? Math.Max(most, sizes.GetProperty("most").GetInt64()) : most;
        }

        Assert.Equal((0, "", 100, 100, 100), (code, errors, messages, seen, most));
        var lines = Shm.Print("topic", "hz", name, "--count", "2", "--interval", "0.01").Split('\n');
        Assert.StartsWith("MESSAGES/S", lines[0], StringComparison.Ordinal);
        Assert.Matches(@"^ +0 +0 +- ", lines[1]);
    }

    [Fact]
    public void A_latest_value_has_no_ring_to_fill_and_a_tap_shows_the_newest()
    {
        var name = _objects.Prefix + "pose";
        using var latest = LatestBytes.Create(name, new() { MaxLength = 100 });
        using var writer = latest.OpenWriter();
        writer.Publish("north"u8);
        writer.Publish("west"u8);
        Assert.Matches("latest +W1 +pose\n", _objects.Normal(Shm.Print("ls", name)));
        Assert.Contains("\nChannel:   latest; open; the newest has 4 bytes; 2 values, 9 written\nCarries:   values of up to 100 bytes\n", Shm.Print("stat", name), StringComparison.Ordinal);
        Assert.EndsWith("  west\n", Shm.Print("topic", "tap", name, "--once"), StringComparison.Ordinal);
        Assert.False(Objects.Json(Shm.Print("topic", "hz", name, "--count", "1", "--interval", "0.01", "--json")).TryGetProperty("fill", out _));
    }

    [Fact]
    public void A_frame_channel_shows_how_much_of_its_slots_is_in_use_and_is_not_sent_to()
    {
        var name = _objects.Prefix + "camera";
        using var frames = FrameChannel.Create(name, new() { SlotLength = 4096, SlotCount = 4 });
        using var writer = frames.OpenWriter();
        using var reader = frames.OpenReader();
        writer.Send(writer.Loan(100));
        Assert.Matches("frames +25% +W1 R1 +camera\n", _objects.Normal(Shm.Print("ls", name)));
        Assert.Contains("\nChannel:   frames; open; 4K of 16K in use (25%); 1 frame, 100 written\nCarries:   frames of up to 4096 bytes\n", Shm.Print("stat", name), StringComparison.Ordinal);
        Assert.Contains("carries frames", Shm.Run("topic", "recv", name).Errors, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_tap_of_frames_prints_what_each_is_and_disturbs_nobody()
    {
        var name = _objects.Prefix + "camera";
        using var frames = FrameChannel.Create(name, new() { SlotLength = 4096, SlotCount = 4, MaxReaders = 1 });
        using var writer = frames.OpenWriter();
        using var reader = frames.OpenReader();
        var frame = writer.Loan(300);
        (frame.Type, frame.Timestamp) = (7, 12345);
        frame.Header = FrameHeader.ForImage(10, 10, 3, format: FrameHeader.FourCC("RGB3")) with { Tag = 9 };
        writer.Send(frame);
        Assert.EndsWith("      7       300  #0  |u1 10×10×3  10 × 10 RGB3  tag 9\n", Shm.Print("topic", "tap", name, "--once"), StringComparison.Ordinal);
        var json = Objects.Json(Shm.Print("topic", "tap", name, "--once", "--json"));
        Assert.Equal((0, 12345, 300, 7, "|u1", 10, "RGB3", 9), (json.GetProperty("sequence").GetInt32(), json.GetProperty("timestamp").GetInt32(), json.GetProperty("length").GetInt32(), json.GetProperty("type").GetInt32(),
            json.GetProperty("dtype").GetString(), json.GetProperty("width").GetInt32(), json.GetProperty("format").GetString(), json.GetProperty("tag").GetInt32()));
        Assert.Equal("[10,10,3] [30,3,1]", $"{json.GetProperty("shape").GetRawText()} {json.GetProperty("strides").GetRawText()}");
        Assert.False(json.TryGetProperty("text", out _));
        Assert.Contains("tap prints what each frame is; leave out --hex", Shm.Run("topic", "tap", name, "--hex").Errors, StringComparison.Ordinal);
        Assert.Equal("", Shm.Print("topic", "tap", name, "--once", "--type", "8"));
        // All places are the reader's, and its frame waits for it as before.
        Assert.Equal((1, 3, PeerState.Alive), (reader.Available, writer.CountFree(), writer.Readers[0].State));
        using var sending = new CancellationTokenSource();
        var publishing = Task.Run(() =>
        {
            while (!sending.IsCancellationRequested)
            {
                writer.Send(writer.Loan(2048));
                Thread.Sleep(1);
            }
        });
        var rate = Objects.Json(Shm.Print("topic", "hz", name, "--interval", "0.5", "--count", "1", "--json"));
        await sending.CancelAsync();
        await publishing;
        Assert.InRange(rate.GetProperty("messages").GetInt64(), 1, long.MaxValue);
        Assert.Equal(2048, rate.GetProperty("sizes").GetProperty("p50").GetInt32());
    }

    [Fact]
    public void Help_completion_and_suggestions_include_the_commands_of_topic()
    {
        Assert.Equal(Shm.Print("topic", "--help"), Shm.Print("help", "topic"));
        Assert.Equal(Shm.Print("topic", "--help"), Shm.Print("topic"));
        Assert.Equal(Shm.Print("topic", "tap", "--help"), Shm.Print("help", "topic", "tap"));
        Assert.Equal(Shm.Print("topic", "tap", "--help"), Shm.Print("topic", "echo", "--help"));
        Assert.Equal(Shm.Print("topic", "tap", "--help"), Shm.Print("help", "topic", "echo"));
        Assert.Equal("shm: topic: unknown command 'ecko'; did you mean 'echo'? (see shm topic --help)", Shm.Refuse("topic", "ecko"));
        Assert.Contains("\n  echo, tap  ", Shm.Print("topic", "--help"), StringComparison.Ordinal);
        Assert.Contains("echo\n", Shm.Print("[suggest:12]", "shm topic ec"), StringComparison.Ordinal);
        Assert.Equal("shm: topic: unknown command 'tapp'; did you mean 'tap'? (see shm topic --help)", Shm.Refuse("topic", "tapp"));
        Assert.Equal("shm: topic: unknown command 'x'; choose from ls, tap, send, recv, record, replay, hz, bw (see shm topic --help)", Shm.Refuse("topic", "x"));
        Assert.Equal("shm: topic tap: unknown option '--jsno'; did you mean '--json'? (see shm topic tap --help)", Shm.Refuse("topic", "tap", "a", "--jsno"));
        Assert.Contains("--capacity needs --create", Shm.Refuse("topic", "send", "a", "--capacity", "1M"), StringComparison.Ordinal);
        Assert.Contains("65279", Shm.Refuse("topic", "send", "a", "--type", "65280"), StringComparison.Ordinal);
        Assert.Contains("choose one of", Shm.Refuse("topic", "tap", "a", "--hex", "--text"), StringComparison.Ordinal);
        Assert.All((string[])["i65", "u8[", "u8[0]", "s0", "x", "f64[9999999]", "", "  "], fields => Assert.Contains("examples: 'i64 f64'", Shm.Refuse("topic", "tap", "a", "--struct", fields), StringComparison.Ordinal));
        Assert.Contains("tap\n", Shm.Print("[suggest:11]", "shm topic t"), StringComparison.Ordinal);
        var name = _objects.Add("frames");
        Assert.Contains(name + "\n", Shm.Print("[suggest:14]", "shm topic tap "), StringComparison.Ordinal);
        Assert.Matches(@"\n\.SS topic tap NAME\n.* Also called echo\.\n", Shm.Print("manual"));
    }

    public void Dispose() => _objects.Dispose();
}
