using Posix.SharedMemory.Bridge.Tests.Backends;

namespace Posix.SharedMemory.Bridge.Tests.Bridging;

/// <summary>Each loss is reported with its range and place.</summary>
[Collection(Alone.Name)]
public sealed class Losing
{
    [Fact]
    [Rule("bridge.slow-consumer")]
    public async Task A_consumer_that_does_not_read_stops_neither_the_writer_nor_the_network_and_the_losses_are_in_the_local_ring()
    {
        await using var network = new InMemoryNetwork();
        await using var hosts = await TwoHosts.StartAsync(network, a => a with { WindowBytes = 64 << 10 }, b => b with { WindowBytes = 64 << 10 });
        using var source = hosts.CreateSource("x", new() { Capacity = 1 << 16 });
        using var writer = source.OpenWriter();
        using var target = hosts.OpenTarget("x");
        using var reader = target.OpenReader(new() { Restart = PeerRestart.Wait });
        // Before an importer has given credit, there is no limit.
        var credit = new Recorder();
        await using var listener = await network.ConnectAsync();
        await using var listening = await listener.SubscribeAsync(SubjectName.AllCredit, credit, default);
        credit.WaitFor(1);
        // The exporter may take some more before it has seen the credit, and where the machine stood still for seconds meanwhile, the credit has become old.
        var number = 0L;
        Watchdog.Until(
            () =>
            {
                for (var last = number + 500; number < last;)
                {
                    Traffic.WriteNumberAsync(writer, ++number, 200).GetAwaiter().GetResult();
                }

                return hosts.Losses.Any(loss => loss.Where == LossPlace.LocalRing);
            },
            "a loss in the local ring");
        var received = new List<long>();
        var reading = Task.Run(() => Traffic.ReadNumbers(reader, received));
        writer.Complete();
        await reading;
        hosts.RequireAllAccountedFor(received, (int)number);
        Assert.DoesNotContain(hosts.Losses, loss => loss.Where == LossPlace.Wire);
    }

    [Fact]
    [Rule("bridge.allocation")]
    public async Task No_payload_becomes_a_managed_object()
    {
        await using var network = new InMemoryNetwork();
        await using var hosts = await TwoHosts.StartAsync(network, a => a with { ChunkBytes = 64 << 10 });
        using var source = hosts.CreateSource("x", new() { Capacity = 4 << 20 });
        using var writer = source.OpenWriter();
        using var target = hosts.OpenTarget("x");
        using var reader = target.OpenReader(new() { Restart = PeerRestart.Wait });
        Watchdog.Until(() => hosts.A.GetChannels().Count == 1, "the export");
        var message = new byte[1 << 20];
        Send(20);
        var before = GC.GetTotalAllocatedBytes(precise: true);
        Send(200);
        var allocated = GC.GetTotalAllocatedBytes(precise: true) - before;
        Assert.Empty(hosts.Losses);
        Assert.True(allocated < 10 << 20, $"{allocated} bytes were allocated for 200 MiB");

        void Send(int count)
        {
            for (var i = 0; i < count; i++)
            {
                writer.Write(message);
                Assert.True(reader.WaitToRead(Watchdog.Limit));
                Assert.True(reader.TryRead(out MessageLease lease));
                Assert.Equal(message.Length, lease.Span.Length);
                lease.Dispose();
            }
        }
    }
}
