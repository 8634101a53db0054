using System.Globalization;
using System.Runtime.InteropServices;

namespace Posix.SharedMemory.Bridge.Benchmarks.Comparing;

/// <summary>Runs the chains in turns, and prints the medians as Markdown.</summary>
internal static class Tables
{
    private const int Trips = 3000;

    private static readonly CultureInfo s_culture = CultureInfo.InvariantCulture;

    internal static int Print(int rounds, string word)
    {
        if (Server.Program is null)
        {
            Console.WriteLine("SKIPPED: nats-server is not installed");
            return 0;
        }

        if (Host.TryMake() is not { } hosts)
        {
            return 0;
        }

        using var a = hosts.A;
        using var b = hosts.B;
        var chains = new Chains(a, b);
        Console.WriteLine($"{Environment.ProcessorCount} processors ({Processor()}), {RuntimeInformation.OSDescription}, .NET {Environment.Version}, {rounds} rounds, load {Load()} before.");
        Flows("Messages of 8 MiB, in chunks of 512 KiB", rounds, word, 1, [
            ("one TCP connection", () => chains.Tcp(Chains.Frame, 64)),
            ("NATS.Net alone, messages of 512 KiB", () => chains.Nats(Chains.Chunk, 64 * 16)),
            ("the bridge", () => chains.Bridge(Chains.Frame, 64)),
        ]);
        Flows("Messages of 1 KiB", rounds, word, 0, [
            ("NATS.Net alone, each alone", () => chains.Nats(1024, 300_000)),
            ("the bridge, in batches", () => chains.Bridge(1024, 500_000)),
        ]);
        Flows("Durable messages of 512 KiB", rounds, word, 0, [
            ("the bridge, JetStream on disk", () => chains.Bridge(Chains.Chunk, 400, BridgeDelivery.Durable)),
            ("the bridge, JetStream in memory", () => chains.Bridge(Chains.Chunk, 400, BridgeDelivery.Durable, inMemory: true)),
        ]);
        Flows("Durable messages of 1 KiB", rounds, word, 0, [
            ("the bridge, JetStream on disk", () => chains.Bridge(1024, 100_000, BridgeDelivery.Durable)),
            ("the bridge, JetStream in memory", () => chains.Bridge(1024, 100_000, BridgeDelivery.Durable, inMemory: true)),
        ]);
        Numbers("Round trips of 64 bytes, one at a time", rounds, word, [("p50, µs", "p50", "F0"), ("p99, µs", "p99", "F0"), ("longest, µs", "most", "F0")], [
            ("one TCP connection", () => chains.TripsOverTcp(Trips)),
            ("NATS.Net alone", () => chains.TripsOverNats(Trips)),
            ("two channels and bridges, `BatchDelay` zero", () => chains.TripsOverBridge(Trips, 0)),
            ("two channels and bridges", () => chains.TripsOverBridge(Trips, Chains.Batching)),
        ]);
        Numbers("The server is killed, a message each millisecond", rounds, word, [("server away, s", "away", "F2"), ("longest time without a message, s", "longest", "F2"), ("sent", "sent", "N0"), ("arrived", "came", "N0"), ("lost and reported", "lost", "N0")], [
            ("the bridge", chains.Recover),
        ]);
        Console.WriteLine($"\nLoad {Load()} after.");
        return 0;
    }

    /// <summary>A table of flows, each with its ratio to one of them.</summary>
    private static void Flows(string title, int rounds, string word, int reference, (string Name, Func<Flow> Measure)[] chains)
    {
        if (Measure(title, rounds, word, chains) is not { } flows)
        {
            return;
        }

        Row("", "MB/s (slowest and fastest)", "messages/s", "ratio to " + chains[reference].Name, "s of processor per GB: sending", "receiving", "server", "MB allocated per GB", "lost");
        Row([.. Enumerable.Repeat("---", 9)]);
        var compared = Median(flows[reference], flow => flow.MegabytesPerSecond);
        for (var i = 0; i < chains.Length; i++)
        {
            var all = flows[i];
            var rate = Median(all, flow => flow.MegabytesPerSecond);
            Row(
                chains[i].Name,
                string.Create(s_culture, $"{rate:F0} ({all.Min(flow => flow.MegabytesPerSecond):F0} to {all.Max(flow => flow.MegabytesPerSecond):F0})"),
                Median(all, flow => flow.MessagesPerSecond).ToString("N0", s_culture),
                (rate / compared).ToString("F2", s_culture),
                PerGigabyte(all, flow => flow.Sending, "F2"),
                PerGigabyte(all, flow => flow.Receiving, "F2"),
                PerGigabyte(all, flow => flow.Serving, "F2"),
                PerGigabyte(all, flow => flow.Allocated / 1e6, "F1"),
                Median(all, flow => flow.Lost).ToString("N0", s_culture));
        }
    }

    private static void Numbers(string title, int rounds, string word, (string Title, string Name, string Format)[] columns, (string Name, Func<IReadOnlyDictionary<string, double>> Measure)[] chains)
    {
        if (Measure(title, rounds, word, chains) is not { } figures)
        {
            return;
        }

        Row(["", .. columns.Select(column => column.Title)]);
        Row([.. Enumerable.Repeat("---", columns.Length + 1)]);
        for (var i = 0; i < chains.Length; i++)
        {
            Row([chains[i].Name, .. columns.Select(column => Median(figures[i], figure => figure[column.Name]).ToString(column.Format, s_culture))]);
        }
    }

    /// <summary>Runs chains in turns, every other round the other way round.</summary>
    private static List<T>[]? Measure<T>(string title, int rounds, string word, (string Name, Func<T> Measure)[] chains)
    {
        if (!title.Contains(word, StringComparison.OrdinalIgnoreCase))
        {
            return null;
        }

        var results = chains.Select(_ => new List<T>()).ToArray();
        for (var round = 0; round < rounds; round++)
        {
            for (var turn = 0; turn < chains.Length; turn++)
            {
                var which = round % 2 == 0 ? turn : chains.Length - 1 - turn;
                results[which].Add(chains[which].Measure());
            }
        }

        Console.WriteLine($"\n### {title}\n");
        return results;
    }

    private static string PerGigabyte(List<Flow> flows, Func<Flow, double> cost, string format) => Median(flows, flow => cost(flow) / (flow.Bytes / 1e9)).ToString(format, s_culture);

    private static double Median<T>(List<T> results, Func<T, double> value)
    {
        var sorted = results.Select(value).Order().ToArray();
        return (sorted[sorted.Length / 2] + sorted[(sorted.Length - 1) / 2]) / 2;
    }

    private static void Row(params string[] cells) => Console.WriteLine($"| {string.Join(" | ", cells)} |");

    private static string Processor() => File.ReadLines("/proc/cpuinfo").FirstOrDefault(line => line.StartsWith("model name", StringComparison.Ordinal))?.Split(": ")[^1] ?? RuntimeInformation.ProcessArchitecture.ToString();

    private static string Load() => File.ReadAllText("/proc/loadavg").Split(' ')[0];
}
