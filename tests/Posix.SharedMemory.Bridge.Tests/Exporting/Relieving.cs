using Posix.SharedMemory.Bridge.Tests.Backends;

namespace Posix.SharedMemory.Bridge.Tests.Exporting;

/// <summary>What the exporter does for the writer, and for itself, when something ends.</summary>
public sealed class Relieving
{
    [Fact]
    [Rule("bridge.unhindered")]
    public async Task While_a_publication_does_not_end_a_writer_of_long_messages_goes_on()
    {
        var network = new TaskCompletionSource();
        var backend = new InterceptedBackend(new InMemoryBridgeHub().Connect()) { Open = network.Task };
        using var name = new TemporaryName("relieve");
        var losses = new List<LostEventArgs>();
        await using var bridge = new ChannelBridge(backend, new() { Export = ["*"], NamePrefix = name });
        bridge.Lost += loss => losses.Add(loss);
        using var channel = MessageChannel.Create(name + "x", new() { Capacity = 1 << 16 });
        using var writer = channel.OpenWriter();
        using var stop = new CancellationTokenSource();
        var running = bridge.RunAsync(stop.Token);
        for (var i = 1; i <= 50; i++)
        {
            // Only one fits into the ring.
            writer.Write(new byte[30_000], timeout: Watchdog.Limit);
            Watchdog.Until(() => backend.Published > 0, "the first publication");
        }

        Assert.Equal(1, backend.Published);
        network.SetResult();
        writer.Complete();
        Watchdog.Until(() => bridge.GetChannels().Single().IsCompleted, "the end of the channel");
        await stop.CancelAsync();
        await running;
        var report = bridge.GetChannels().Single();
        Assert.Equal(50, report.Messages + report.Lost);
        Assert.All(losses, loss => Assert.Equal(LossPlace.LocalRing, loss.Where));
        Assert.Equal(report.Lost, losses.Sum(loss => loss.Last - loss.First + 1));
    }

    [Fact]
    [Rule("bridge.bounded")]
    public async Task A_channel_whose_name_and_writer_are_gone_is_left_when_it_is_empty()
    {
        await using var hosts = await Bridging.TwoHosts.StartAsync(new InMemoryNetwork());
        using var channel = hosts.CreateSource("x");
        using var target = hosts.OpenTarget("x");
        using var reader = target.OpenReader(new() { Restart = PeerRestart.Wait });
        var writer = channel.OpenWriter();
        SharedMemoryObject.Unlink(hosts.NameOnA("x"));
        await Bridging.Traffic.WriteNumberAsync(writer, 7, 20);
        Assert.Equal(7, BitConverter.ToInt64(Bridging.Traffic.ReadOne(reader).Bytes));
        Assert.Contains(channel.GetStatus().Endpoints, end => end is { Role: EndpointRole.Reader, State: PeerState.Alive });
        writer.Dispose();
        Watchdog.Until(() => channel.GetStatus().Endpoints.All(end => end is not { Role: EndpointRole.Reader, State: PeerState.Alive }), "the bridge to leave");
    }

    [Fact]
    [Rule("bridge.bounded")]
    public void Refusals_of_many_names_do_not_take_memory_without_end()
    {
        var reports = new BridgeReports();
        var refusals = new RefusalLog(reports, BridgeDirection.Import);
        for (var i = 0; i < 3000; i++)
        {
            refusals.Refuse($"name {i}", "No.");
        }

        refusals.Refuse("name 2999", "No.");
        Assert.Equal(RefusalLog.MostNames, refusals.Count);
        var told = 0;
        while (reports.Events.TryRead(out _))
        {
            told++;
        }

        Assert.Equal(3000, told);
    }
}
