using System.Globalization;

namespace Posix.SharedMemory.Bridge.Tests.Importing;

/// <summary>Durable channels of which the engine keeps messages are found by their notes.</summary>
public sealed class Kept
{
    [Fact]
    [Rule("bridge.kept")]
    [Rule("bridge.bounded")]
    public async Task Notes_that_strangers_have_written_do_not_hide_a_channel()
    {
        await using var backend = new InMemoryBridgeHub().Connect();
        for (var i = 0; i < KeptChannels.MostNotes + 10; i++)
        {
            await WriteAsync(string.Create(CultureInfo.InvariantCulture, $"stranger{i}"));
        }

        await using (await backend.SubscribeDurableAsync(SubjectName.Messages + "x", SubjectName.TakerOf("b"), 10, new Backends.Recorder(), default))
        {
        }

        await backend.PublishDurableAsync(SubjectName.Messages + "x", default, new byte[1], "1", default);
        await WriteAsync("x");
        var kept = new KeptChannels(backend, new() { Host = "b", Import = ["*"] }, new());
        Assert.Empty(await kept.FindAsync(default));
        Assert.Equal("x", Assert.Single(await kept.FindAsync(default)).Key);
        // From then on it is looked at now and then.
        Assert.Empty(await kept.FindAsync(default));

        ValueTask WriteAsync(string channel)
        {
            var announced = new Announcement { Host = "a", Channel = channel, Kind = 1, Epoch = "000000000000000e", Capacity = 4096, Alignment = 8, Next = 1, Delivery = BridgeDelivery.Durable };
            return backend.WriteNoteAsync(SubjectName.NoteOf(announced), announced.ToBytes(), default);
        }
    }

    [Fact]
    [Rule("bridge.durable-hostile")]
    public async Task A_message_of_another_life_is_taken_where_the_exporter_has_noted_that_life_and_else_refused()
    {
        const ulong first = 0xE, stranger = 0xF, second = 0x10, ofAnotherHost = 0x11;
        using var name = new TemporaryName("kept");
        var (hub, reports) = (new InMemoryBridgeHub(), new BridgeReports());
        await using var exporter = hub.Connect();
        await using var importer = hub.Connect();
        var announced = new Announcement { Host = "a", Channel = SubjectName.Encode(name), Kind = 1, Epoch = "000000000000000e", Capacity = 4096, Alignment = 8, Next = 1, Delivery = BridgeDelivery.Durable };
        await using var import = new DurableImport(name, announced, importer, new() { Host = "b" }, reports, new(1 << 20));
        await import.StartAsync(default);
        // The import makes its ring when it has an announcement; no exporter announces anything after it.
        import.Take(announced);
        using var ring = MessageChannel.Open(name);
        using var reader = ring.OpenReader(new() { Restart = PeerRestart.Wait });
        Watchdog.Until(() => exporter.KeepAsync(SubjectName.Messages + announced.Channel, default).Result == 1, "the subscription");
        await NoteAsync(announced);
        await PublishAsync(first, 1);
        await PublishAsync(stranger, 5);
        await PublishAsync(first, 2);
        Require(1);
        Require(2);
        await NoteAsync(announced with { Epoch = "0000000000000010" });
        await PublishAsync(second, 1);
        Require(1);
        Assert.Equal(1, import.Report.Describe("", false).Refused);

        // Another host takes the channel over: its messages are kept until it is accepted, and not acknowledged before.
        await NoteAsync(announced with { Host = "c", Epoch = "0000000000000011" });
        await PublishAsync(ofAnotherHost, 1);
        await Task.Delay(500);
        Assert.Equal(1, import.Report.Describe("", false).Refused);
        Assert.Equal(1, await exporter.CountKeptAsync(SubjectName.Messages + announced.Channel, SubjectName.TakerOf("b"), default));

        ValueTask NoteAsync(Announcement note) => exporter.WriteNoteAsync(SubjectName.NoteOf(note), note.ToBytes(), default);

        ValueTask PublishAsync(ulong epoch, long sequence) => exporter.PublishDurableAsync(
            SubjectName.Messages + announced.Channel, new() { Frame = new FrameHeader(epoch, sequence, 0, 8, 0, 0).ToString() }, BitConverter.GetBytes(sequence), string.Create(CultureInfo.InvariantCulture, $"{epoch}-{sequence}"), default);

        void Require(long expected)
        {
            Assert.True(reader.WaitToRead(Watchdog.Limit));
            Assert.Equal(expected, BitConverter.ToInt64(Bridging.Traffic.ReadOne(reader).Bytes));
        }
    }

    [Fact]
    [Rule("bridge.kept")]
    public async Task An_engine_that_does_not_say_what_it_keeps_holds_no_other_channel_up_and_is_reported_once()
    {
        using var prefix = new TemporaryName("kept");
        var (reports, backend) = (new BridgeReports(), new Backends.SilentNotes(new InMemoryBridgeHub().Connect()));
        var imports = new ImportList(backend, new() { Host = "b", Import = ["x"], NamePrefix = prefix }, reports);
        await imports.OpenAsync(default).WaitAsync(Watchdog.Limit);
        var announced = new Announcement { Host = "a", Channel = "x", Kind = 1, Epoch = "000000000000000e", Capacity = 4096, Alignment = 8, Next = 1 };
        imports.Receive(new(SubjectName.Channels + "a", default, new(announced.ToBytes())));
        await imports.OpenAsync(default).WaitAsync(Watchdog.Limit);
        Assert.True(File.Exists("/dev/shm/" + prefix + "x"));
        for (var i = 0; i < 2; i++)
        {
            // It has taken too long.
            backend.GiveUp();
            imports.Reconnect();
            await imports.OpenAsync(default).WaitAsync(Watchdog.Limit);
        }

        backend.GiveUp();
        await imports.DisposeAsync();
        Assert.True(reports.Events.TryRead(out var what));
        Assert.Equal("x", Assert.IsType<RefusedEventArgs>(what).Channel);
        Assert.False(reports.Events.TryRead(out _));
    }

    [Fact]
    [Rule("bridge.names")]
    public async Task A_second_host_of_one_name_that_imports_durably_is_refused_and_says_that_the_name_may_be_why()
    {
        using var prefix = new TemporaryName("kept");
        var (hub, reports) = (new InMemoryBridgeHub(), new BridgeReports());
        await using var first = hub.Connect();
        await using var second = hub.Connect();
        await using (await first.SubscribeDurableAsync(SubjectName.Messages + "x", SubjectName.TakerOf("same"), 10, new Backends.Recorder(), default))
        {
            var announced = new Announcement { Host = "a", Channel = "x", Kind = 1, Epoch = "000000000000000e", Capacity = 4096, Alignment = 8, Next = 1, Delivery = BridgeDelivery.Durable };
            await using var import = new DurableImport("x", announced, second, new() { Host = "same", NamePrefix = prefix }, reports, new(1 << 20));
            await import.StartAsync(default);
            Watchdog.Until(() => reports.Events.TryRead(out var what) && ((RefusedEventArgs)what).Reason.Contains("calls itself 'same' too", StringComparison.Ordinal), "the refusal");
        }
    }
}
