using System.Globalization;
using Posix.SharedMemory.Bridge.Benchmarks.Roles;

namespace Posix.SharedMemory.Bridge.Benchmarks;

/// <summary>One process of a measured chain. compare.py starts them on two hosts that it makes of namespaces, and reads what each prints: one line of <c>name=value</c>.</summary>
internal static class Program
{
    private static async Task<int> Main(string[] args)
    {
        var figures = args switch
        {
            ["export", var url, var delivery, var chunk] => await Bridges.ExportAsync(url, Enum.Parse<BridgeDelivery>(delivery), Number(chunk)),
            ["import", var url] => await Bridges.ImportAsync(url),
            ["produce", var name, var capacity, var length, var count] => Channels.Produce(name, Number(capacity), Number(length), Number(count)),
            ["trickle", var name, var seconds] => Channels.Trickle(name, Number(seconds)),
            ["consume", var name, var length, var count] => Channels.Consume(name, Number(length), Number(count)),
            ["gaps", var name] => Channels.Gaps(name),
            ["ping", var there, var back, var count] => Channels.Ping(there, back, Number(count)),
            ["pong", var there, var back] => Channels.Pong(there, back),
            ["tcp-receive", var address] => await Plain.ReceiveAsync(address),
            ["tcp-send", var address, var length, var count] => await Plain.SendAsync(address, Number(length), Number(count)),
            ["tcp-ping", var address, var count] => await Plain.PingAsync(address, Number(count)),
            ["tcp-pong", var address] => await Plain.PongAsync(address),
            ["nats-receive", var url, var length, var count] => await OverNats.ReceiveAsync(url, Number(length), Number(count)),
            ["nats-send", var url, var length, var count] => await OverNats.SendAsync(url, Number(length), Number(count)),
            ["nats-ping", var url, var count] => await OverNats.PingAsync(url, Number(count)),
            ["nats-pong", var url] => await OverNats.PongAsync(url),
            ["memory-stream", var url, var channel] => await OverNats.MakeMemoryStreamAsync(url, channel),
            _ => throw new ArgumentException("compare.py says what there is"),
        };
        Console.WriteLine(figures);
        return 0;
    }

    private static int Number(string text) => int.Parse(text, CultureInfo.InvariantCulture);
}
