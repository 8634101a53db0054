using System.Buffers;

namespace Posix.SharedMemory.Bridge.Tests.Importing;

/// <summary>An import that follows one that was killed goes on exactly.</summary>
public sealed class Resuming
{
    private static readonly Announcement s_announced = new() { Host = "h", Channel = "x", Kind = 1, Epoch = "000000000000000e", Capacity = 4096, Alignment = 8, Next = 1 };

    [Fact]
    [Rule("bridge.resumed")]
    public void The_line_says_which_message_is_in_the_ring_wherever_the_import_was_killed()
    {
        using var channel = MessageChannel.CreateAnonymous(new() { Capacity = 4096 });
        using var writer = channel.OpenWriter();
        using var line = new ImportLine(channel.Memory, 256);
        Assert.Null(Last(14));
        line.Note(14, 1);
        Assert.Equal(0, Last(14));
        for (var sequence = 1; sequence <= 10; sequence++)
        {
            line.Note(14, sequence);
            Assert.Equal(sequence - 1, Last(14));
            writer.Write(new byte[sequence * 10]);
            Assert.Equal(sequence, Last(14));
        }

        // It was killed while it stored the other triple, which is not valid yet.
        using var bytes = channel.Memory.Map();
        bytes.GetReference<ulong>(bytes.GetReference<uint>(2048) == 1 ? 2048 + 48 : 2048 + 16) = 99;
        Assert.Equal(10, Last(14));
        Assert.Null(Last(15));
        line.Note(15, 1);
        Assert.Equal(0, Last(15));
        Assert.Null(Last(14));

        long? Last(ulong epoch)
        {
            using var another = new ImportLine(channel.Memory, 256);
            return another.LastOf(epoch);
        }
    }

    [Fact]
    [Rule("bridge.resumed")]
    public async Task A_ring_that_was_left_open_is_completed_also_where_the_channel_ended_meanwhile()
    {
        using var prefix = new TemporaryName("resume");
        using var name = TemporaryName.Of(prefix + "x");
        var reports = new BridgeReports();
        var first = ImportedRing.Open(name, s_announced, FrameLimits.OriginOf("h"), new());
        first.BeginLife(14, 1);
        Assert.True(first.TryAdd(new(new byte[8]), new(1, 0)));
        using var channel = MessageChannel.Open(name);
        using var reader = channel.OpenReader(new() { Restart = PeerRestart.Wait });
        first.Dispose();
        var imports = new ImportList(new InMemoryBridgeHub().Connect(), new() { Import = ["*"], NamePrefix = prefix }, reports);
        var ended = s_announced with { Next = 4, Completed = -3 };
        Watchdog.Until(
            () =>
            {
                imports.Receive(new("shm.v1.channels.h", default, new ReadOnlySequence<byte>(ended.ToBytes())));
                imports.Receive(new("shm.v1.channels.h", default, new ReadOnlySequence<byte>((ended with { Channel = "y" }).ToBytes())));
                imports.OpenAsync(default).GetAwaiter().GetResult();
                return channel.GetStatus().State != ChannelState.Open;
            },
            "the ring to be completed");
        Bridging.Traffic.ReadOne(reader);
        Assert.Equal(-3, Assert.Throws<ChannelException>(() => reader.WaitToRead(Watchdog.Limit)).Error);
        var losses = new List<LostEventArgs>();
        while (reports.Events.TryRead(out var what))
        {
            losses.AddRange(what is LostEventArgs loss ? [loss] : []);
        }

        Assert.Equal((2, 3, LossPlace.Wire), (losses.Single().First, losses.Single().Last, losses.Single().Where));
        Assert.False(File.Exists("/dev/shm/" + prefix + "y"));
        await imports.DisposeAsync();
    }

    [Fact]
    [Rule("bridge.resumed")]
    public async Task A_second_import_delivers_nothing_twice_and_reports_what_is_missing()
    {
        using var name = new TemporaryName("resume");
        var reports = new BridgeReports();
        // The first leaves the ring as one that is killed: it is not completed.
        var first = ImportedRing.Open(name, s_announced, FrameLimits.OriginOf("h"), new());
        first.BeginLife(14, 1);
        for (var sequence = 1; sequence <= 5; sequence++)
        {
            Assert.True(first.TryAdd(new(BitConverter.GetBytes((long)sequence)), new(sequence, 0)));
        }

        using var channel = MessageChannel.Open(name);
        using var reader = channel.OpenReader(new() { Restart = PeerRestart.Wait });
        first.Dispose();
        await using var import = new StreamImport(name, s_announced with { Next = 9 }, new InMemoryBridgeHub().Connect(), new(), reports, new(1 << 20));
        await import.StartAsync(default);
        foreach (var sequence in new[] { 4, 5, 9 })
        {
            import.Receive(new("shm.v1.t.x", new() { Frame = new FrameHeader(14, sequence, 0, 8, 0, 0).ToString() }, new ReadOnlySequence<byte>(BitConverter.GetBytes((long)sequence))));
        }

        foreach (var expected in new long[] { 1, 2, 3, 4, 5, 9 })
        {
            Assert.Equal(expected, BitConverter.ToInt64(Bridging.Traffic.ReadOne(reader).Bytes));
        }

        Assert.True(reports.Events.TryRead(out var what));
        var loss = Assert.IsType<LostEventArgs>(what);
        Assert.Equal((6, 8, LossPlace.Wire), (loss.First, loss.Last, loss.Where));
        Assert.False(reports.Events.TryRead(out _));
    }
}
