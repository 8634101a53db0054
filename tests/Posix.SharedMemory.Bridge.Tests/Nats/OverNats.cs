using System.Text;
using NATS.Client.Core;
using Posix.SharedMemory.Bridge.Nats;
using Posix.SharedMemory.Bridge.Tests.Backends;
using Posix.SharedMemory.Bridge.Tests.Bridging;

namespace Posix.SharedMemory.Bridge.Tests.Nats;

/// <summary>NATS as the engine: the conformance suite, and what any client of NATS sees.</summary>
public sealed class OverNats : BackendConformance
{
    private protected override INetwork CreateNetwork() => new NatsServer();

    private protected override INetwork CreateKeepingNetwork() => NatsServer.Keeping();

    [SkippableFact]
    [Rule("bridge.frame")]
    public async Task Any_client_reads_the_messages_of_an_exported_channel()
    {
        await using var server = new NatsServer();
        await using var plain = new NatsConnection(new NatsOpts { Url = server.Url });
        await using var subscription = await plain.SubscribeCoreAsync<byte[]>("shm.v1.t.camera.>");
        await plain.PingAsync();
        await using var hosts = await TwoHosts.StartAsync(server, a => a with { BatchDelay = TimeSpan.Zero }, b => b with { Import = [] });
        using var source = hosts.CreateSource("camera.front");
        using var writer = source.OpenWriter();
        writer.Write("hello"u8, 7);
        writer.Write(new byte[400_000]);
        using var limit = new CancellationTokenSource(Watchdog.Limit);
        var first = await subscription.Msgs.ReadAsync(limit.Token);
        Assert.Equal("shm.v1.t.camera.front", first.Subject);
        Assert.Equal("hello", Encoding.UTF8.GetString(first.Data!));
        Assert.Matches("^[0-9a-f]{16} 1 0 5 7 [0-9]+$", first.Headers!["Shm"].ToString());
        Assert.Equal(400_000, (await subscription.Msgs.ReadAsync(limit.Token)).Data!.Length);
    }

    [SkippableFact]
    [Rule("bridge.frame")]
    public async Task Long_messages_pass_a_server_with_its_default_limits()
    {
        await using var server = new NatsServer();
        await using var hosts = await TwoHosts.StartAsync(server, a => a with { ChunkBytes = 8 << 20 });
        using var source = hosts.CreateSource("frames", new() { Capacity = 32 << 20 });
        using var writer = source.OpenWriter();
        using var target = hosts.OpenTarget("frames");
        using var reader = target.OpenReader(new() { Restart = PeerRestart.Wait });
        var random = new Random(3);
        for (var i = 0; i < 10; i++)
        {
            var message = Traffic.Message(random, 8 << 20);
            await writer.WriteAsync(message);
            Assert.True(message.AsSpan().SequenceEqual(Traffic.ReadOne(reader).Bytes), $"frame {i} differs");
        }

        Assert.Empty(hosts.Losses);
    }

    [SkippableFact]
    [Rule("bridge.torn")]
    public async Task A_server_that_is_killed_in_the_middle_of_long_messages_costs_reported_messages_and_no_wrong_byte()
    {
        await using var server = new NatsServer();
        await using var hosts = await TwoHosts.StartAsync(server, a => a with { ChunkBytes = 16 << 10 });
        using var source = hosts.CreateSource("frames", new() { Capacity = 16 << 20 });
        using var writer = source.OpenWriter();
        using var target = hosts.OpenTarget("frames");
        using var reader = target.OpenReader(new() { Restart = PeerRestart.Wait });
        var received = new List<long>();
        var reading = Task.Run(() => Traffic.ReadNumbers(reader, received));
        for (var number = 1; number <= 300; number++)
        {
            await Traffic.WriteNumberAsync(writer, number, 500_000);
            if (number % 100 == 50)
            {
                await server.BreakAsync();
                await server.RestoreAsync();
            }
        }

        writer.Complete();
        await reading;
        hosts.RequireAllAccountedFor(received, 300);
    }

    [SkippableFact]
    [Rule("bridge.durable-bytes")]
    public async Task The_server_shows_a_stream_for_a_durable_channel_and_a_consumer_for_each_host()
    {
        await using var server = NatsServer.Keeping();
        await using var plain = new NatsConnection(new NatsOpts { Url = server.Url });
        await using var subscription = await plain.SubscribeCoreAsync<byte[]>("shm.v1.t.orders.>");
        await plain.PingAsync();
        await using var hosts = await TwoHosts.StartAsync(server, a => a with { Delivery = BridgeDelivery.Durable, BatchDelay = TimeSpan.Zero });
        using var source = hosts.CreateSource("orders.new");
        using var writer = source.OpenWriter();
        writer.Write("hello"u8, 7);
        using var target = hosts.OpenTarget("orders.new");
        using var reader = target.OpenReader(new() { Restart = PeerRestart.Wait });
        Assert.Equal("hello", Encoding.UTF8.GetString(Traffic.ReadOne(reader).Bytes));
        using var limit = new CancellationTokenSource(Watchdog.Limit);
        var seen = await subscription.Msgs.ReadAsync(limit.Token);
        var epoch = seen.Headers!["Shm"].ToString()[..16];
        Assert.Equal(epoch + "-1-0", seen.Headers["Nats-Msg-Id"].ToString());
        var stream = await new global::NATS.Client.JetStream.NatsJSContext(plain).GetStreamAsync("shm=v1=t=orders=new", cancellationToken: limit.Token);
        Assert.Equal(1L, (long)stream.Info.State.ConsumerCount);
        Watchdog.Until(() => IsEmpty(stream), "the acknowledgement");

        static bool IsEmpty(global::NATS.Client.JetStream.INatsJSStream stream)
        {
            stream.RefreshAsync(default).AsTask().GetAwaiter().GetResult();
            return (long)stream.Info.State.Messages == 0;
        }
    }

    [SkippableFact]
    [Rule("bridge.backend")]
    public async Task A_subscription_that_cannot_be_made_is_disposed()
    {
        await using var server = NatsServer.Keeping();
        await using var backend = await NatsBackend.ConnectAsync(new NatsOpts { Url = server.Url });
        var recorder = new Recorder();
        using var cancelled = new CancellationTokenSource();
        await cancelled.CancelAsync();
        await server.BreakAsync();
        Watchdog.Until(() => !backend.IsConnected, "the connection to be lost");
        await Assert.ThrowsAnyAsync<Exception>(async () => await backend.SubscribeAsync("shm.test.never", recorder, cancelled.Token));
        await server.RestoreAsync();
        Watchdog.Until(() => backend.IsConnected, "the connection");
        await backend.FlushAsync(default);
        await using var other = await server.ConnectAsync();
        await other.PublishAsync("shm.test.never", default, new byte[1], default);
        await other.FlushAsync(default);
        await backend.FlushAsync(default);
        Assert.Empty(recorder.Messages);
    }

    [SkippableTheory]
    [Rule("bridge.durable")]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_message_that_is_stored_after_a_server_forgot_its_last_number_is_delivered(bool isExporterNew)
    {
        await using var server = NatsServer.Keeping();
        await using var first = await server.ConnectAsync();
        await using var other = await server.ConnectAsync();
        var (a, b) = ((IDurableBridgeBackend)first, (IDurableBridgeBackend)other);
        await a.KeepAsync("shm.test.x", default);
        var before = new Recorder();
        await using var subscription = await b.SubscribeDurableAsync("shm.test.x", "host", 100, before, default);
        await PublishAndAcknowledgeAsync(1);
        var index = Path.Combine(server.Store, "jetstream", "$G", "streams", "shm=test=x", "msgs", "1.idx");
        Skip.IfNot(File.Exists(index), "this server keeps its numbers in other files than the series 2.9");
        var empty = await File.ReadAllBytesAsync(index);
        await PublishAndAcknowledgeAsync(2);
        // The consumer's file begins with two bytes, and then with the two numbers up to which everything is acknowledged.
        var consumer = Path.Combine(server.Store, "jetstream", "$G", "streams", "shm=test=x", "obs", "host", "o.dat");
        Watchdog.Until(() => File.Exists(consumer) && File.ReadAllBytes(consumer) is [_, _, 2, 2, ..], "the acknowledgement to be in the consumer's file");
        // It is killed between two calls: the message is removed, and the index is not yet written.
        await server.BreakAsync();
        await File.WriteAllBytesAsync(index, empty);
        await server.RestoreAsync();
        Watchdog.Until(() => a.IsConnected && b.IsConnected, "both connections");
        await using var second = isExporterNew ? (IDurableBridgeBackend)await server.ConnectAsync() : null;
        await subscription.DisposeAsync();
        var after = new Recorder();
        await using var again = await b.SubscribeDurableAsync("shm.test.x", "host", 100, after, default);
        for (byte number = 3; number <= 5; number++)
        {
            await (second ?? a).PublishDurableAsync("shm.test.x", default, new[] { number }, $"id {number}", default);
        }

        Watchdog.Until(() => after.Messages.Any(message => message.Payload is [5]), "the last message");
        Assert.Equal([3, 4, 5], after.Messages.Where(message => message.Payload.Length > 0).Select(message => (int)message.Payload[0]).Distinct());
        await again.AcknowledgeAsync(after.Acknowledgements.Last()!, default);
        Watchdog.Until(() => a.CountKeptAsync("shm.test.x", null, default).AsTask().GetAwaiter().GetResult() == 0, "everything to be removed");

        async Task PublishAndAcknowledgeAsync(byte number)
        {
            await a.PublishDurableAsync("shm.test.x", default, new[] { number }, $"id {number}", default);
            before.WaitFor(number);
            await subscription.AcknowledgeAsync(before.Acknowledgements.ElementAt(number - 1)!, default);
            Assert.Equal(0, await a.CountKeptAsync("shm.test.x", null, default));
        }
    }

    [SkippableFact]
    [Rule("bridge.durable")]
    public async Task A_host_that_has_acknowledged_nothing_gets_everything_though_the_server_is_killed_after_another_has()
    {
        await using var server = NatsServer.Keeping();
        await using var connection = await server.ConnectAsync();
        var backend = (IDurableBridgeBackend)connection;
        await backend.KeepAsync("shm.test.x", default);
        var (quick, slow, again) = (new Recorder(), new Recorder(), new Recorder());
        await using var first = await backend.SubscribeDurableAsync("shm.test.x", "quick", 100, quick, default);
        await using var second = await backend.SubscribeDurableAsync("shm.test.x", "slow", 100, slow, default);
        for (byte number = 1; number <= 3; number++)
        {
            await backend.PublishDurableAsync("shm.test.x", default, new[] { number }, $"id {number}", default);
        }

        quick.WaitFor(3);
        slow.WaitFor(3);
        await first.AcknowledgeAsync(quick.Acknowledgements.Last()!, default);
        await server.BreakAsync();
        await server.RestoreAsync();
        Watchdog.Until(() => backend.IsConnected, "the connection");
        await second.DisposeAsync();
        await using var third = await backend.SubscribeDurableAsync("shm.test.x", "slow", 100, again, default);
        again.WaitFor(3);
        Assert.Equal([1, 2, 3], again.Messages.Select(message => (int)message.Payload[0]));
    }

    [SkippableFact]
    [Rule("bridge.durable")]
    public async Task A_server_without_JetStream_is_reported_and_the_messages_stay_in_the_channel()
    {
        await using var server = new NatsServer();
        await using var hosts = await TwoHosts.StartAsync(server, a => a with { Delivery = BridgeDelivery.Durable });
        using var source = hosts.CreateSource("x");
        using var writer = source.OpenWriter();
        writer.Write("hello"u8);
        Watchdog.Until(() => hosts.Refusals.Any(refusal => refusal.Reason.Contains("JetStream", StringComparison.Ordinal)), "the refusal");
        Assert.NotEqual(0, source.GetStatus().Used);
    }

    [SkippableFact]
    [Rule("bridge.connect")]
    public async Task A_server_that_cannot_be_reached_is_an_IOException_and_bad_options_close_the_connection()
    {
        await using var server = new NatsServer();
        await Assert.ThrowsAsync<ArgumentException>(() => NatsBridge.ConnectAsync(server.Url, new() { Host = "" }));
        await using (await NatsBridge.ConnectAsync(server.Url, new() { Export = ["x"] }))
        {
        }

        await server.BreakAsync();
        await Assert.ThrowsAsync<IOException>(() => NatsBridge.ConnectAsync(server.Url, new()));
        await server.RestoreAsync();
    }
}
