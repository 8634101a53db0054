using Posix.SharedMemory.Bridge.Tests.Backends;

namespace Posix.SharedMemory.Bridge.Tests.Bridging;

/// <summary>Channels of each kind appear as channels of that kind.</summary>
public sealed class Kinds
{
    [Theory]
    [Rule("bridge.kinds")]
    [InlineData(BridgeDelivery.Stream)]
    [InlineData(BridgeDelivery.Durable)]
    public async Task A_broadcast_appears_with_its_history_and_its_number_of_readers(BridgeDelivery delivery)
    {
        await using var network = new InMemoryNetwork();
        await using var hosts = await TwoHosts.StartAsync(network, a => a with { Delivery = delivery, ChunkBytes = 16 << 10 });
        using var source = Broadcast.Create(hosts.NameOnA("x"), new() { Capacity = 1 << 20, History = 50, MaxReaders = 3, SchemaId = 9, ContentType = "prices", RecordAlignment = 32 });
        using var local = source.OpenReader(new() { Delivery = BroadcastDelivery.Lossy });
        using var writer = source.OpenWriter();
        Watchdog.Until(() => Exists(hosts.NameOnB("x")), "the broadcast to appear");
        using var target = Broadcast.Open(hosts.NameOnB("x"), schemaId: 9);
        Assert.Equal((ChannelKind.Broadcast, 1L << 20, "prices", 4), (target.GetStatus().Kind, target.GetStatus().Capacity, target.GetStatus().ContentType, target.GetStatus().Endpoints.Count));
        using var first = target.OpenReader(new() { Restart = PeerRestart.Wait });
        using var second = target.OpenReader(new() { Restart = PeerRestart.Wait });
        for (var number = 1; number <= 100; number++)
        {
            writer.Write(NumberOf(number, number % 10 == 0 ? 60_000 : 30), (ushort)number);
        }

        writer.Complete(-7);
        foreach (var reader in new[] { first, second })
        {
            for (var number = 1; number <= 100; number++)
            {
                Assert.True(reader.WaitToRead(Watchdog.Limit));
                Assert.True(reader.TryRead(out MessageLease message));
                using (message)
                {
                    Assert.True(
                        (number, (ushort)number) == (BitConverter.ToInt32(message.Span), message.Type),
                        $"{number} was expected, {BitConverter.ToInt32(message.Span)} came; lost: {string.Join(", ", hosts.Losses.Select(loss => $"{loss.First}..{loss.Last} {loss.Where}"))}; refused: {string.Join(", ", hosts.Refusals.Select(refusal => refusal.Reason))}");
                    Assert.Equal(number % 10 == 0 ? 60_000 : 30, message.Span.Length);
                }
            }

            Assert.Equal(-7, Assert.Throws<ChannelException>(() => reader.WaitToRead(Watchdog.Limit)).Error);
        }

        // The history came along: one who comes late gets the last 50, as far as they are in the ring.
        using var late = target.OpenReader(new() { Restart = PeerRestart.Wait, Start = BroadcastStart.Last(10) });
        Assert.True(late.TryRead(out MessageLease oldest));
        using (oldest)
        {
            Assert.Equal(91, BitConverter.ToInt32(oldest.Span));
        }

        Assert.Empty(hosts.Losses);
        Assert.Equal(0, local.Missed);
    }

    [Fact]
    [Rule("bridge.kinds")]
    public async Task Messages_that_a_fast_writer_of_a_broadcast_overwrites_are_lost_in_its_ring()
    {
        await using var network = new InMemoryNetwork();
        await using var hosts = await TwoHosts.StartAsync(network);
        using var source = Broadcast.Create(hosts.NameOnA("x"), new() { Capacity = 4096 });
        using var writer = source.OpenWriter();
        Watchdog.Until(() => Exists(hosts.NameOnB("x")), "the broadcast to appear");
        using var target = Broadcast.Open(hosts.NameOnB("x"));
        using var reader = target.OpenReader(new() { Restart = PeerRestart.Wait });
        for (var number = 1; number <= 20_000; number++)
        {
            writer.Write(NumberOf(number, 100));
        }

        writer.Complete();
        var received = new List<long>();
        while (reader.WaitToRead(Watchdog.Limit))
        {
            while (reader.TryRead(out MessageLease message))
            {
                using (message)
                {
                    received.Add(BitConverter.ToInt32(message.Span));
                }
            }
        }

        hosts.RequireAllAccountedFor(received, 20_000);
        Assert.DoesNotContain(hosts.Losses, loss => loss.Where == LossPlace.Wire);
    }

    [Fact]
    [Rule("bridge.kinds")]
    public async Task A_latest_value_appears_with_the_newest_also_on_a_host_that_comes_late()
    {
        await using var network = new InMemoryNetwork();
        await using var hosts = await TwoHosts.StartAsync(network, a => a with { ChunkBytes = 1024 });
        using var source = LatestBytes.Create(hosts.NameOnA("x"), new() { MaxLength = 5000, Buffers = 8, ContentType = "pose" });
        using var writer = source.OpenWriter();
        writer.Publish(NumberOf(1, 10));
        Watchdog.Until(() => Exists(hosts.NameOnB("x")), "the value to appear");
        using var target = LatestBytes.Open(hosts.NameOnB("x"));
        Assert.Equal((5000, "pose"), (target.MaxLength, target.GetStatus().ContentType));
        RequireNewest(target, 1);
        for (var number = 2; number <= 1000; number++)
        {
            writer.Publish(NumberOf(number, number == 1000 ? 5000 : number));
        }

        RequireNewest(target, 1000);
        await using var late = await TwoHosts.StartAsync(network, a => a with { Export = [] });
        Watchdog.Until(() => Exists(late.NameOnB("x")), "the value to appear on another host");
        using var another = LatestBytes.Open(late.NameOnB("x"));
        RequireNewest(another, 1000);
        writer.Complete(-4);
        using var reader = another.OpenReader(new() { Restart = PeerRestart.Wait });
        Watchdog.Until(() => reader.Completion.IsCompleted, "the end");
        Assert.Empty(hosts.Losses);
        Assert.Empty(hosts.Refusals);
    }

    [Theory]
    [Rule("bridge.kinds")]
    [InlineData(BridgeDelivery.Stream)]
    [InlineData(BridgeDelivery.Durable)]
    public async Task A_fan_in_appears_with_the_messages_of_all_its_writers(BridgeDelivery delivery)
    {
        await using var network = new InMemoryNetwork();
        await using var hosts = await TwoHosts.StartAsync(network, a => a with { Delivery = delivery });
        using var source = FanIn.Create(hosts.NameOnA("x"), new() { Capacity = 1 << 20, MaxWriters = 5 });
        using var first = source.OpenWriter();
        using var second = source.OpenWriter();
        Watchdog.Until(() => Exists(hosts.NameOnB("x")), "the fan-in to appear");
        using var target = FanIn.Open(hosts.NameOnB("x"));
        Assert.Equal(6, target.GetStatus().Endpoints.Count);
        using var reader = target.OpenReader(new() { Restart = PeerRestart.Wait });
        for (var number = 1; number <= 200; number++)
        {
            (number % 3 == 0 ? first : second).Write(NumberOf(number, number % 50 == 0 ? 100_000 : 40), (ushort)number);
        }

        for (var number = 1; number <= 200; number++)
        {
            Assert.True(reader.WaitToRead(Watchdog.Limit));
            Assert.True(reader.TryRead(out FanInLease message));
            using (message)
            {
                Assert.Equal((number, (ushort)number), (BitConverter.ToInt32(message.Span), message.Type));
            }
        }

        Assert.Empty(hosts.Losses);
    }

    [Fact]
    [Rule("bridge.loop")]
    public async Task Channels_of_every_kind_that_have_an_origin_are_not_exported()
    {
        await using var network = new InMemoryNetwork();
        await using var hosts = await TwoHosts.StartAsync(network);
        using var ring = MessageChannel.Create(hosts.NameOnA("a"), new() { Origin = 5 });
        using var broadcast = Broadcast.Create(hosts.NameOnA("b"), new() { Origin = 5 });
        using var value = LatestBytes.Create(hosts.NameOnA("c"), new() { Origin = 5 });
        using var fanIn = FanIn.Create(hosts.NameOnA("d"), new() { Origin = 5 });
        using var own = MessageChannel.Create(hosts.NameOnA("e"));
        Watchdog.Until(() => Exists(hosts.NameOnB("e")), "the channel without an origin to appear");
        Assert.Equal("e", Assert.Single(hosts.A.GetChannels()).Name);
        Assert.Empty(hosts.Refusals);
    }

    private static byte[] NumberOf(int number, int length)
    {
        var message = new byte[Math.Max(length, sizeof(int))];
        BitConverter.TryWriteBytes(message, number);
        return message;
    }

    private static void RequireNewest(LatestBytes value, int number)
    {
        using var reader = value.OpenReader(new() { Restart = PeerRestart.Wait });
        var bytes = new byte[value.MaxLength];
        Watchdog.Until(() => reader.TryRead(bytes, out _, out _) && BitConverter.ToInt32(bytes) == number, $"the value {number}");
    }

    private static bool Exists(string name) => File.Exists("/dev/shm/" + name);
}
