using Posix.SharedMemory.Bridge.Tests.Bridging;
using Posix.SharedMemory.Bridge.Tests.Nats;

namespace Posix.SharedMemory.Bridge.Tests.Tool;

/// <summary>Bridges that are processes, and are killed in the middle of messages, long ones too: every message arrives once and whole, or is reported. STRESS_SECONDS from 10 on repeats it.</summary>
public sealed class BeingKilled : IDisposable
{
    private readonly TemporaryName _prefix = new("killed");
    private readonly LossLines _losses = new();
    private readonly List<Peer> _bridges = [];
    private readonly Random _random = new(11);
    private string[] _more = [];
    private long _number;
    private long _arrived;

    private static int Rounds => Effort.StressSeconds >= 10 ? 5 : 1;

    public void Dispose()
    {
        _bridges.ForEach(bridge => bridge.Dispose());
        new TemporaryName(_prefix, "-a-x").Dispose();
        new TemporaryName(_prefix, "-b-x").Dispose();
    }

    [SkippableTheory]
    [Rule("bridge.killed")]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_bridge_that_is_killed_again_and_again_costs_reported_messages_only(bool killsExporter)
    {
        await using var server = new NatsServer();
        using var source = MessageChannel.Create(_prefix + "-a-x", new() { Capacity = 4 << 20 });
        using var writer = source.OpenWriter(new() { Restart = PeerRestart.Wait });
        var (exporter, importer) = (Export(server), Import(server));
        MessageChannel? appeared = null;
        Watchdog.Until(() => (appeared = TwoHosts.TryOpen(_prefix + "-b-x")) is not null, "the channel to appear");
        using var target = appeared!;
        using var reader = target.OpenReader(new() { Restart = PeerRestart.Wait });
        var received = new List<long>();
        var reading = Task.Run(() => Traffic.ReadNumbers(reader, received, one => Volatile.Write(ref _arrived, one)));
        // What was sent before the import had begun is not missing.
        await WriteUntilOneArrivesAsync(writer, exporter, importer);
        for (var round = 0; round < Rounds; round++)
        {
            await WriteWhileKillingAsync(writer, killsExporter ? exporter : importer);
            (exporter, importer) = killsExporter ? (Export(server), importer) : (exporter, Import(server));
            await WriteUntilOneArrivesAsync(writer, exporter, importer);
        }

        writer.Complete();
        await reading;
        Assert.Equal(received.Order().Distinct(), received);
        for (var wait = 0; wait < 100 && MissingOf(received).Count > 0; wait++)
        {
            await Task.Delay(100);
        }

        Assert.True(MissingOf(received).Count == 0, $"of {_number} messages {received.Count} have arrived; reported: {string.Join(", ", _losses.All)}; missing: {string.Join(", ", MissingOf(received).Order().Take(100))}");
        Assert.All(_losses.All, loss => Assert.True(loss.Last <= _number));
    }

    [SkippableTheory]
    [Rule("bridge.durable")]
    [InlineData("exporter")]
    [InlineData("importer")]
    [InlineData("server")]
    public async Task Of_a_durable_channel_nothing_is_lost_and_nothing_comes_twice_whatever_is_killed(string victim)
    {
        await using var server = NatsServer.Keeping();
        _more = ["--durable", "*"];
        using var source = MessageChannel.Create(_prefix + "-a-x", new() { Capacity = 4 << 20 });
        using var writer = source.OpenWriter(new() { Restart = PeerRestart.Wait });
        var (exporter, importer) = (Export(server), Import(server));
        MessageChannel? appeared = null;
        Watchdog.Until(() => (appeared = TwoHosts.TryOpen(_prefix + "-b-x")) is not null, "the channel to appear");
        using var target = appeared!;
        using var reader = target.OpenReader(new() { Restart = PeerRestart.Wait });
        var received = new List<long>();
        var reading = Task.Run(() => Traffic.ReadNumbers(reader, received, one => Volatile.Write(ref _arrived, one)));
        for (var round = 0; round < Rounds; round++)
        {
            await WriteWhileAsync(writer, async () =>
            {
                if (victim == "server")
                {
                    await server.BreakAsync();
                    await server.RestoreAsync();
                }
                else
                {
                    (victim == "exporter" ? exporter : importer).Kill();
                }
            });
            (exporter, importer) = (victim == "exporter" ? Export(server) : exporter, victim == "importer" ? Import(server) : importer);
            await WriteUntilOneArrivesAsync(writer, exporter, importer);
        }

        writer.Complete();
        await reading;
        Assert.Equal(Enumerable.Range(1, (int)_number).Select(number => (long)number), received);
        Assert.Empty(_losses.All);
    }

    private Task WriteWhileKillingAsync(MessageWriter writer, Peer victim) => WriteWhileAsync(writer, () =>
    {
        victim.Kill();
        return Task.CompletedTask;
    });

    private async Task WriteWhileAsync(MessageWriter writer, Func<Task> kill)
    {
        var killing = Task.Run(async () =>
        {
            await Task.Delay(_random.Next(150));
            await kill();
        });
        for (var i = 0; !killing.IsCompleted; i++)
        {
            // Where the exporter is the victim, nobody makes room when it is dead.
            var length = i % 10 == 9 ? 500_000 : 8 + (i % 97 * 20);
            if (writer.WaitToWrite(length, TimeSpan.FromMilliseconds(1)))
            {
                await Traffic.WriteNumberAsync(writer, ++_number, length);
            }
        }

        await killing;
    }

    /// <summary>The next life is there when a message has come through it.</summary>
    private async Task WriteUntilOneArrivesAsync(MessageWriter writer, Peer exporter, Peer importer)
    {
        var before = _number;
        while (Volatile.Read(ref _arrived) <= before)
        {
            foreach (var bridge in new[] { exporter, importer })
            {
                Assert.True(!bridge.HasExited, bridge.HasExited ? bridge.Finish().ToString() : "");
            }

            await Traffic.WriteNumberAsync(writer, ++_number, 20);
            await Task.Delay(20);
        }
    }

    private HashSet<long> MissingOf(List<long> received) => _losses.Unreported("x", Enumerable.Range(1, (int)_number).Select(number => (long)number).Except(received));

    private Peer Export(NatsServer server) => Listen(ShmBridge.Start([server.Url, "--host", _prefix + "-a", "--name-prefix", _prefix + "-a-", "--export", "*", "--chunk", "16384", .. _more]));

    private Peer Import(NatsServer server) => Listen(ShmBridge.Start(server.Url, "--host", _prefix + "-b", "--name-prefix", _prefix + "-b-", "--import", "*"));

    private Peer Listen(Peer bridge)
    {
        _bridges.Add(bridge);
        return _losses.Listen(bridge);
    }
}
