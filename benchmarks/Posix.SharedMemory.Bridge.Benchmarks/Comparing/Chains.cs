using System.Globalization;

namespace Posix.SharedMemory.Bridge.Benchmarks.Comparing;

/// <summary>The chains that are measured: each call begins its processes, and ends them.</summary>
internal sealed class Chains(Host a, Host b)
{
    internal const int Frame = 8 << 20, Chunk = 512 << 10;

    /// <summary>The default of the bridge, in microseconds.</summary>
    internal const int Batching = 200;

    private const int SmallRing = 16 << 20, LargeRing = 64 << 20;

    /// <summary>Importers give credit once a second: by then it is there.</summary>
    private static readonly TimeSpan s_credit = TimeSpan.FromSeconds(1.2);

    internal Flow Tcp(int length, int count)
    {
        using var receiver = b.Role("tcp-receive", b.Address + ":5000").Open();
        using var sender = a.Role("tcp-send", b.Address + ":5000", Text(length), Text(count));
        var (sent, received) = (sender.Figures(), receiver.Figures());
        return new(received["bytes"], count, received["seconds"], sent["cpu"], received["cpu"], 0, sent["allocated"] + received["allocated"], 0);
    }

    internal Flow Nats(int length, int count)
    {
        using var server = new Server(a);
        using var receiver = b.Role("nats-receive", server.Url, Text(length), Text(count)).Open();
        var before = server.Processor;
        using var sender = a.Role("nats-send", server.Url, Text(length), Text(count));
        var (sent, received) = (sender.Figures(), receiver.Figures());
        return new(received["bytes"], received["messages"], received["seconds"], sent["cpu"], received["cpu"], server.Processor - before, sent["allocated"] + received["allocated"], 0);
    }

    /// <param name="length">Of each message.</param>
    /// <param name="count">How many messages.</param>
    /// <param name="delivery">How they travel.</param>
    /// <param name="inMemory">Whether JetStream keeps them in memory.</param>
    internal Flow Bridge(int length, int count, BridgeDelivery delivery = BridgeDelivery.Stream, bool inMemory = false)
    {
        using var server = new Server(a, keeps: delivery == BridgeDelivery.Durable);
        if (inMemory)
        {
            foreach (var channel in new[] { "a.warm", "a.x" })
            {
                using var making = a.Role("memory-stream", server.Url, channel);
                making.Figures();
            }
        }

        using var exporting = a.Role("export", server.Url, delivery.ToString(), Text(Chunk), Text(Batching)).Open();
        using var importing = b.Role("import", server.Url, Text(Batching)).Open();
        // The first channel only makes both bridges warm.
        Pass("a.warm", length, Math.Max(count / 10, 8), () => { });
        var before = 0.0;
        var came = Pass("a.x", length, count, () =>
        {
            foreach (var bridge in new[] { exporting, importing })
            {
                bridge.Tell("begin");
                bridge.Expect("begun");
            }

            before = server.Processor;
        });
        var served = server.Processor - before;
        exporting.Tell("end");
        importing.Tell("end");
        var (exported, imported) = (exporting.Figures(), importing.Figures());
        return new(came["bytes"], came["messages"], came["seconds"], exported["cpu"], imported["cpu"], served, exported["allocated"] + imported["allocated"], imported["lost"]);
    }

    internal IReadOnlyDictionary<string, double> TripsOverTcp(int count)
    {
        using var pong = b.Role("tcp-pong", b.Address + ":5000").Open();
        using var ping = a.Role("tcp-ping", b.Address + ":5000", Text(count));
        return ping.Figures();
    }

    internal IReadOnlyDictionary<string, double> TripsOverNats(int count)
    {
        using var server = new Server(a);
        using var pong = b.Role("nats-pong", server.Url).Open();
        using var ping = a.Role("nats-ping", server.Url, Text(count));
        return ping.Figures();
    }

    internal IReadOnlyDictionary<string, double> TripsOverBridge(int count, int delay)
    {
        using var server = new Server(a);
        using var exporting = a.Role("export", server.Url, nameof(BridgeDelivery.Stream), Text(Chunk), Text(delay)).Open();
        using var importing = b.Role("import", server.Url, Text(delay)).Open();
        using var ping = a.Role("ping", Host.PrefixA + "a.there", Host.PrefixA + "b.back", Text(count)).Open();
        using var pong = b.Role("pong", Host.PrefixB + "a.there", Host.PrefixB + "b.back").Open();
        ping.Expect("open");
        Thread.Sleep(s_credit);
        ping.Tell("go");
        var figures = ping.Figures();
        pong.Figures();
        return figures;
    }

    /// <summary>The server is killed while a message comes each millisecond, and started again at once.</summary>
    internal IReadOnlyDictionary<string, double> Recover()
    {
        using var server = new Server(a);
        using var exporting = a.Role("export", server.Url, nameof(BridgeDelivery.Stream), Text(Chunk), Text(Batching)).Open();
        using var importing = b.Role("import", server.Url, Text(Batching)).Open();
        using var trickle = a.Role("trickle", Host.PrefixA + "a.x", "6").Open();
        using var gaps = b.Role("gaps", Host.PrefixB + "a.x").Open();
        importing.Tell("begin");
        importing.Expect("begun");
        trickle.Tell("go");
        Thread.Sleep(2000);
        var down = System.Diagnostics.Stopwatch.StartNew();
        server.Kill();
        server.Serve();
        var away = down.Elapsed.TotalSeconds;
        var (sent, came) = (trickle.Figures(), gaps.Figures());
        importing.Tell("end");
        var lost = importing.Figures()["lost"];
        return new Dictionary<string, double>(StringComparer.Ordinal) { ["away"] = away, ["longest"] = came["longest"], ["sent"] = sent["messages"], ["came"] = came["messages"], ["lost"] = lost };
    }

    private IReadOnlyDictionary<string, double> Pass(string channel, int length, int count, Action begin)
    {
        using var producer = a.Role("produce", Host.PrefixA + channel, Text(length >= Chunk / 2 ? LargeRing : SmallRing), Text(length), Text(count)).Open();
        using var consumer = b.Role("consume", Host.PrefixB + channel, Text(length)).Open();
        Thread.Sleep(s_credit);
        begin();
        producer.Tell("go");
        producer.Figures();
        return consumer.Figures();
    }

    private static string Text(int number) => number.ToString(CultureInfo.InvariantCulture);
}
