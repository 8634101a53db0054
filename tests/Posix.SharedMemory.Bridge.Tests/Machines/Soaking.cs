using System.Diagnostics;
using System.Globalization;
using Posix.SharedMemory.Bridge.Tests.Peers;
using Xunit.Abstractions;

namespace Posix.SharedMemory.Bridge.Tests.Machines;

/// <summary>Server, bridges, producer and consumers between two machines are killed at random instants, for SOAK_SECONDS.</summary>
public sealed class Soaking(ITestOutputHelper output)
{
    [SkippableFact]
    [Rule("bridge.killed")]
    [Rule("bridge.durable")]
    public void Whatever_is_killed_no_byte_is_wrong_no_loss_is_untold_and_nothing_durable_is_lost_or_comes_twice()
    {
        Skip.If(Effort.SoakSeconds == 0, "SOAK_SECONDS says for how long; it is not set");
        var seed = Environment.TickCount;
        output.WriteLine($"seed {seed}");
        var random = new Random(seed);
        using var logs = TemporaryDirectory.OnDisk() ?? TemporaryDirectory.InMemory();
        using var machines = new TwoMachines(["--durable", "durable", "--chunk", "65536"], keeps: true);
        var producer = Produce();
        Peer[] consumers = [Consume("stream"), Consume("durable")];
        var kills = new SortedDictionary<string, int>(StringComparer.Ordinal);
        for (var clock = Stopwatch.StartNew(); clock.Elapsed.TotalSeconds < Effort.SoakSeconds;)
        {
            Thread.Sleep(random.Next(200, 3000));
            var victim = new[] { "server", "exporter", "importer", "producer", "consumer" }[random.Next(5)];
            kills[victim] = kills.GetValueOrDefault(victim) + 1;
            switch (victim)
            {
                case "server":
                    machines.KillServer();
                    break;
                case "exporter":
                    machines.KillExporter();
                    break;
                case "importer":
                    machines.KillImporter();
                    break;
                case "producer":
                    producer.Kill();
                    producer = Produce();
                    break;
                default:
                    var which = random.Next(2);
                    Assert.False(consumers[which].HasExited, consumers[which].HasExited ? consumers[which].Finish().Errors : "");
                    consumers[which].Kill();
                    consumers[which] = Consume(which == 0 ? "stream" : "durable");
                    break;
            }
        }

        machines.AwaitBridges();
        producer.Tell("end");
        var written = new Dictionary<string, long>(StringComparer.Ordinal) { ["stream"] = Read(producer), ["durable"] = Read(producer) };
        foreach (var consumer in consumers)
        {
            var (exitCode, _, errors) = consumer.Finish();
            Assert.True(exitCode == 0, errors);
        }

        output.WriteLine($"killed: {string.Join(", ", kills.Select(kill => $"{kill.Key} {kill.Value} times"))}");
        foreach (var (channel, last) in written)
        {
            var came = Workers.ReadLog(LogOf(channel));
            var missing = Enumerable.Range(1, (int)last).Select(number => (long)number).Except(came.Select(entry => entry.Number)).ToHashSet();
            Watchdog.Until(() => machines.Losses.Unreported(channel, missing).Count == 0, $"{missing.Count} missing messages of {channel} to be reported; not reported: {string.Join(' ', machines.Losses.Unreported(channel, missing).Order().Take(50))}");
            output.WriteLine($"{channel}: {last} written, {missing.Count} lost and reported, {came.Count(entry => entry.IsRedelivered)} marked as redelivered after a consumer's death");
            var highest = 0L;
            foreach (var (number, isRedelivered) in came)
            {
                Assert.True(number > highest || isRedelivered, $"{number} came after {highest}");
                highest = Math.Max(highest, number);
            }

            Assert.True(channel == "stream" || missing.Count == 0, $"of the durable channel {string.Join(' ', missing.Order().Take(50))} are lost");
        }

        Peer Produce()
        {
            var peer = machines.OnA("produce", "stream", "durable");
            Assert.Equal("open", peer.ReadLine());
            return peer;
        }

        Peer Consume(string channel) => machines.OnB("consume", LogOf(channel), channel);

        string LogOf(string channel) => logs.File(channel);

        static long Read(Peer peer) => long.Parse(peer.ReadLine(), CultureInfo.InvariantCulture);
    }
}
