using Posix.SharedMemory.Bridge.Tests.Backends;

namespace Posix.SharedMemory.Bridge.Tests.Bridging;

/// <summary>What two bridges carry, and what they do not.</summary>
public sealed class Carrying
{
    [Fact]
    [Rule("bridge.named-only")]
    public async Task Nothing_is_carried_that_is_not_named()
    {
        await using var network = new InMemoryNetwork();
        await using var hosts = await TwoHosts.StartAsync(network, a => a with { Export = ["camera.*", "log"] }, b => b with { Import = ["camera.*", "secret"] });
        using var camera = hosts.CreateSource("camera.front");
        using var log = hosts.CreateSource("log");
        using var secret = hosts.CreateSource("secret");
        using var target = hosts.OpenTarget("camera.front");
        Watchdog.Until(() => hosts.A.GetChannels().Count == 2, "both named channels to be exported");
        Assert.Null(TwoHosts.TryOpen(hosts.NameOnB("log")));
        Assert.Null(TwoHosts.TryOpen(hosts.NameOnB("secret")));
        secret.OpenReader().Dispose();
        Assert.Empty(hosts.Refusals);
    }

    [Fact]
    [Rule("bridge.loop")]
    public async Task A_channel_does_not_travel_in_a_circle()
    {
        await using var network = new InMemoryNetwork();
        await using var hosts = await TwoHosts.StartAsync(network, a => a with { Import = ["*"] }, b => b with { Export = ["*"] });
        using var source = hosts.CreateSource("x");
        using var writer = source.OpenWriter();
        using var target = hosts.OpenTarget("x");
        using var reader = target.OpenReader(new() { Restart = PeerRestart.Wait });
        await Traffic.WriteNumberAsync(writer, 1, 20);
        Traffic.ReadOne(reader);
        Assert.Equal(BridgeDirection.Export, Assert.Single(hosts.A.GetChannels()).Direction);
        Assert.Equal(BridgeDirection.Import, Assert.Single(hosts.B.GetChannels()).Direction);
        Assert.Equal(1, source.GetStatus().Messages);
    }

    [Fact]
    [Rule("bridge.latest")]
    public async Task With_Latest_the_newest_message_arrives_and_what_it_replaced_is_not_a_loss()
    {
        await using var network = new InMemoryNetwork();
        await using var hosts = await TwoHosts.StartAsync(network, a => a with { Routes = [new("pose", BridgeDelivery.Latest) { MaxRate = 20 }] });
        using var source = hosts.CreateSource("pose", new() { Capacity = 1 << 16 });
        using var writer = source.OpenWriter();
        using var target = hosts.OpenTarget("pose");
        using var reader = target.OpenReader(new() { Restart = PeerRestart.Wait });
        for (var number = 1; number <= 5000; number++)
        {
            await Traffic.WriteNumberAsync(writer, number, 100);
        }

        var numbers = new List<long>();
        while (numbers.Count == 0 || numbers[^1] != 5000)
        {
            numbers.Add(BitConverter.ToInt64(Traffic.ReadOne(reader).Bytes));
        }

        Assert.Equal(numbers.Order().Distinct(), numbers);
        Assert.True(numbers.Count < 2500, $"{numbers.Count} messages arrived");
        Assert.Empty(hosts.Losses);
    }

    [Fact]
    [Rule("bridge.typed")]
    public async Task A_channel_of_elements_appears_as_one_and_a_value_of_a_type_is_refused_with_a_reason()
    {
        await using var network = new InMemoryNetwork();
        await using var hosts = await TwoHosts.StartAsync(network);
        using var value = LatestValue<long>.Create(hosts.NameOnA("value"));
        Watchdog.Until(() => !hosts.Refusals.IsEmpty, "the refusal");
        Assert.Contains("type", hosts.Refusals.First().Reason, StringComparison.Ordinal);
        using var source = SharedChannel.Create<(long, int)>(hosts.NameOnA("typed"), 512);
        using var writer = source.OpenWriter();
        Watchdog.Until(() => File.Exists("/dev/shm/" + hosts.NameOnB("typed")), "the channel to appear");
        using var target = SharedChannel.Open<(long, int)>(hosts.NameOnB("typed"));
        using var reader = target.OpenReader(new() { Restart = PeerRestart.Wait });
        using var limit = new CancellationTokenSource(Watchdog.Limit);
        for (var number = 1; number <= 300; number++)
        {
            await writer.WriteAsync((number, -number), limit.Token);
        }

        for (var number = 1; number <= 300; number++)
        {
            Assert.Equal((number, -number), await reader.ReadAsync(limit.Token));
        }

        // What a stranger publishes is not an element.
        await using var stranger = await network.ConnectAsync();
        var epoch = SourceHeader.TryRead(source.Memory)!.Value.Epoch;
        await stranger.PublishAsync("shm.v1.t.typed", new() { Frame = new FrameHeader(epoch, 301, 0, 15, 0, 0).ToString() }, new byte[15], default);
        Watchdog.Until(() => hosts.B.GetChannels().Single().Refused == 1, "the refusal of 15 bytes");
        Assert.Empty(hosts.Losses);
    }

    [Fact]
    [Rule("bridge.busy")]
    public async Task A_channel_that_another_process_reads_is_refused_until_that_leaves()
    {
        await using var network = new InMemoryNetwork();
        await using var hosts = await TwoHosts.StartAsync(network);
        using var source = hosts.CreateSource("x");
        var other = source.OpenReader();
        Watchdog.Until(() => !hosts.Refusals.IsEmpty || !hosts.A.GetChannels().Count.Equals(0), "the look of the bridge");
        if (!hosts.Refusals.IsEmpty)
        {
            Assert.Contains("x", hosts.Refusals.First().Channel, StringComparison.Ordinal);
        }

        other.Dispose();
        using var target = hosts.OpenTarget("x");
    }

    [Fact]
    [Rule("bridge.taken")]
    public async Task A_name_that_is_taken_on_the_importing_host_is_refused_and_not_touched()
    {
        await using var network = new InMemoryNetwork();
        await using var hosts = await TwoHosts.StartAsync(network);
        using var taken = MessageChannel.Create(hosts.NameOnB("x"));
        using var source = hosts.CreateSource("x");
        Watchdog.Until(() => !hosts.Refusals.IsEmpty, "the refusal");
        Assert.Contains("taken", hosts.Refusals.First().Reason, StringComparison.Ordinal);
        taken.OpenWriter().Dispose();
        taken.OpenReader().Dispose();
    }

    [Fact]
    [Rule("bridge.two-exporters")]
    public async Task A_channel_that_two_hosts_export_comes_from_the_first_and_the_other_is_refused()
    {
        await using var network = new InMemoryNetwork();
        await using var first = await TwoHosts.StartAsync(network);
        using var source = first.CreateSource("x");
        using var target = first.OpenTarget("x");
        await using var second = await TwoHosts.StartAsync(network, b: b => b with { Import = [] });
        using var other = second.CreateSource("x");
        Watchdog.Until(() => first.Refusals.Any(refusal => refusal.Reason.Contains("two hosts", StringComparison.Ordinal)), "the refusal");
        using var writer = source.OpenWriter();
        using var reader = target.OpenReader(new() { Restart = PeerRestart.Wait });
        using (var stranger = other.OpenWriter())
        {
            await Traffic.WriteNumberAsync(stranger, 99, 20);
        }

        await Traffic.WriteNumberAsync(writer, 1, 20);
        Assert.Equal(1, BitConverter.ToInt64(Traffic.ReadOne(reader).Bytes));
    }

    [Fact]
    [Rule("bridge.names")]
    public async Task Between_two_hosts_with_one_name_channels_are_carried_and_a_second_exporter_is_refused()
    {
        await using var network = new InMemoryNetwork();
        await using var hosts = await TwoHosts.StartAsync(network, a => a with { Host = "same", Import = ["*"] }, b => b with { Host = "same", Export = ["*"] });
        using var source = hosts.CreateSource("x");
        using var target = hosts.OpenTarget("x");
        await using var third = await TwoHosts.StartAsync(network, a => a with { Host = "same" }, b => b with { Host = "same", Import = [] });
        using var other = third.CreateSource("x");
        Watchdog.Until(() => hosts.Refusals.Any(refusal => refusal.Reason.Contains("two hosts that are both called same", StringComparison.Ordinal)), "the refusal");
        using var writer = source.OpenWriter();
        using var reader = target.OpenReader(new() { Restart = PeerRestart.Wait });
        await Traffic.WriteNumberAsync(writer, 1, 20);
        Assert.Equal(1, BitConverter.ToInt64(Traffic.ReadOne(reader).Bytes));
    }

    [Theory]
    [InlineData(BridgeDelivery.Stream)]
    [InlineData(BridgeDelivery.Durable)]
    [Rule("bridge.carry")]
    public async Task A_reader_that_comes_after_the_end_reads_what_the_ring_holds(BridgeDelivery delivery)
    {
        await using var network = new InMemoryNetwork();
        await using var hosts = await TwoHosts.StartAsync(network, a => a with { Delivery = delivery });
        using (var source = hosts.CreateSource("x"))
        using (var writer = source.OpenWriter())
        {
            hosts.OpenTarget("x").Dispose();
            await Traffic.WriteNumberAsync(writer, 1, 20);
            writer.Complete(-9);
            Watchdog.Until(() => hosts.B.GetChannels().Single().IsCompleted, "the end");
        }

        using (var target = hosts.OpenTarget("x"))
        using (var reader = target.OpenReader(new() { Restart = PeerRestart.Wait }))
        {
            Assert.Equal(1, BitConverter.ToInt64(Traffic.ReadOne(reader).Bytes));
            Assert.Equal(-9, Assert.Throws<ChannelException>(() => reader.WaitToRead(Watchdog.Limit)).Error);
        }

        Watchdog.Until(() => !File.Exists("/dev/shm/" + hosts.NameOnB("x")), "the ring that was read to go");
    }

    [Fact]
    [Rule("bridge.life")]
    public async Task A_channel_that_is_made_again_goes_on_in_the_same_ring_or_in_a_new_one_after_its_end()
    {
        await using var network = new InMemoryNetwork();
        await using var hosts = await TwoHosts.StartAsync(network);
        using (var source = hosts.CreateSource("x"))
        using (var writer = source.OpenWriter())
        {
            using var target = hosts.OpenTarget("x");
            using var reader = target.OpenReader(new() { Restart = PeerRestart.Wait });
            await Traffic.WriteNumberAsync(writer, 1, 20);
            writer.Complete();
            Assert.Equal(1, BitConverter.ToInt64(Traffic.ReadOne(reader).Bytes));
            Assert.False(reader.WaitToRead(Watchdog.Limit));
        }

        Watchdog.Until(() => TwoHosts.TryOpen(hosts.NameOnA("x")) is not { } left || Dispose(left), "the completed channel to go");
        Watchdog.Until(() => TwoHosts.TryOpen(hosts.NameOnB("x")) is not { } left || Dispose(left), "the completed ring to go");
        using var again = hosts.CreateSource("x");
        using var next = again.OpenWriter();
        await Traffic.WriteNumberAsync(next, 2, 20);
        using var appeared = hosts.OpenTarget("x");
        using var second = appeared.OpenReader(new() { Restart = PeerRestart.Wait });
        Assert.Equal(2, BitConverter.ToInt64(Traffic.ReadOne(second).Bytes));
        Assert.Empty(hosts.Losses);
    }

    [Fact]
    [Rule("bridge.leak")]
    public async Task Nothing_is_left_when_the_bridges_have_ended()
    {
        string left, right;
        await using (var network = new InMemoryNetwork())
        {
            await using var hosts = await TwoHosts.StartAsync(network);
            using var source = hosts.CreateSource("x");
            hosts.OpenTarget("x").Dispose();
            (left, right) = (hosts.NameOnA("x"), hosts.NameOnB("x"));
        }

        Assert.Null(TwoHosts.TryOpen(left));
        Assert.Null(TwoHosts.TryOpen(right));
    }

    [Fact]
    [Rule("bridge.once")]
    public async Task A_bridge_runs_once()
    {
        var hub = new InMemoryBridgeHub();
        await using var bridge = new ChannelBridge(hub.Connect(), new());
        await bridge.RunAsync(new(canceled: true));
        await Assert.ThrowsAsync<InvalidOperationException>(() => bridge.RunAsync(default));
    }

    private static bool Dispose(MessageChannel channel)
    {
        channel.Dispose();
        return false;
    }
}
