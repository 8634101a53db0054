namespace Posix.SharedMemory.Channels.Tests.Broadcasts;

/// <summary>A broadcast as its status shows it, and as another thread than that of an end sees it.</summary>
public sealed class Observing
{
    [Fact]
    [Rule("broadcast.blocked")]
    public void The_status_names_the_reader_that_the_writer_waits_for()
    {
        using var broadcast = Broadcast.CreateAnonymous(new() { Capacity = 4096 });
        using var writer = broadcast.OpenWriter();
        using BroadcastReader quick = broadcast.OpenReader(new() { Label = "quick" }), slow = broadcast.OpenReader(new() { Label = "slow" });
        var bytes = new byte[1000];
        while (writer.TryWrite(bytes))
        {
            Assert.True(quick.TryRead(bytes, out _));
        }

        // Full, but nobody has waited.
        Assert.Null(broadcast.GetStatus().BlockedBy);
        for (var round = 0; round < 3; round++)
        {
            Assert.False(writer.WaitToWrite(1000, TimeSpan.Zero));
            Assert.Equal(("slow", PeerState.Alive), (broadcast.GetStatus().BlockedBy!.Label, broadcast.GetStatus().BlockedBy!.State));
            Assert.Equal("slow", ChannelStatus.TryRead(broadcast.Memory)!.BlockedBy!.Label);
            Assert.True(slow.TryRead(bytes, out _));
            Assert.Null(broadcast.GetStatus().BlockedBy);
            Assert.True(writer.TryWrite(bytes));
            Assert.True(quick.TryRead(bytes, out _));
        }
    }

    [Fact]
    [Rule("broadcast.endpoints")]
    public void A_reader_is_opened_with_the_options_that_all_ends_have()
    {
        using var broadcast = Broadcast.CreateAnonymous(new() { Capacity = 4096, History = 4 });
        using var writer = broadcast.OpenWriter();
        Assert.True(writer.TryWrite([1]));
        EndpointOptions options = new() { Label = "plain", Restart = PeerRestart.Wait };
        using (var reader = broadcast.OpenReader(options))
        {
            Assert.Equal("plain", writer.Readers[0].Label);
            Assert.False(reader.TryRead(out MessageLease _));
        }

        options = new BroadcastReaderOptions { Label = "lossy", Delivery = BroadcastDelivery.Lossy, Start = BroadcastStart.Oldest };
        using (var reader = broadcast.OpenReader(options))
        {
            Assert.True(reader.TryRead(new byte[1], out _));
            Assert.Throws<NotSupportedException>(() => reader.TryRead(out MessageLease _));
        }

        Assert.Throws<ArgumentNullException>(() => broadcast.OpenReader((EndpointOptions)null!));
        Assert.Throws<ArgumentOutOfRangeException>(() => broadcast.OpenReader((EndpointOptions)new() { Restart = (PeerRestart)2 }));
    }

    [Fact]
    [Rule("broadcast.layout")]
    public void The_host_that_a_bridge_imported_it_from_is_in_the_header()
    {
        using var broadcast = Broadcast.CreateAnonymous(new() { Capacity = 4096, Origin = 0x1122334455667788 });
        using var map = broadcast.Memory.Map();
        Assert.Equal(0x1122334455667788UL, map.GetReference<ulong>(128));
    }

    [Fact]
    [Rule("broadcast.any-thread")]
    public async Task Any_thread_may_read_how_much_is_free_and_how_much_is_waiting()
    {
        using var broadcast = Broadcast.CreateAnonymous(new() { Capacity = 4096 });
        using var writer = broadcast.OpenWriter();
        using BroadcastReader lossless = broadcast.OpenReader(), lossy = broadcast.OpenReader(new() { Delivery = BroadcastDelivery.Lossy });
        await ReadBesides(
            () => (writer.Free, lossless.Available + lossy.Available),
            number => writer.Write(BitConverter.GetBytes(number)),
            bytes =>
            {
                lossy.TryRead(bytes, out _);
                return lossless.TryRead(bytes, out _);
            });
    }

    [Fact]
    [Rule("ring.any-thread")]
    public async Task The_same_holds_for_a_message_channel_and_for_a_typed_one()
    {
        using var channel = MessageChannel.CreateAnonymous(new() { Capacity = 4096 });
        using var writer = channel.OpenWriter();
        using var reader = channel.OpenReader();
        await ReadBesides(() => (writer.Free, reader.Available), number => writer.Write(BitConverter.GetBytes(number)), bytes => reader.TryRead(bytes, out _, out _));
        using var typed = SharedChannel.CreateAnonymous<long>(200);
        using var elements = typed.OpenReader();
        using var source = typed.OpenWriter();
        await ReadBesides(() => (0, elements.Count), number => SpinWait.SpinUntil(() => source.TryWrite(number)), bytes => elements.TryRead(out _));
    }

    [Fact]
    [Rule("fanin.any-thread")]
    public async Task The_same_holds_for_a_fan_in()
    {
        using var fanIn = FanIn.CreateAnonymous(new() { Capacity = 4096, MaxWriters = 2 });
        using var writer = fanIn.OpenWriter();
        using var reader = fanIn.OpenReader();
        await ReadBesides(() => (writer.Free, reader.Available), number => writer.Write(BitConverter.GetBytes(number)), bytes => reader.TryRead(bytes, out _, out _));
    }

    /// <summary>Numbers pass from one thread to another while a third one looks.</summary>
    private static async Task ReadBesides(Func<(long Free, long Waiting)> look, Action<long> write, Func<byte[], bool> tryRead)
    {
        const long Count = 100_000;
        var writing = Task.Run(() =>
        {
            for (var number = 0L; number < Count; number++)
            {
                write(number);
            }
        });
        var reading = Task.Run(() =>
        {
            var bytes = new byte[64];
            for (var number = 0L; number < Count;)
            {
                number += tryRead(bytes) ? 1 : 0;
            }
        });
        var all = Task.WhenAll(writing, reading);
        do
        {
            var (free, waiting) = look();
            Assert.InRange(free, 0, 4096);
            Assert.InRange(waiting, 0, 2 * 4096);
        }
        while (!all.IsCompleted);
        await all.WaitAsync(Watchdog.Limit);
    }
}
