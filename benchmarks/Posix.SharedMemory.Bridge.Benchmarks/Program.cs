using System.Globalization;
using Posix.SharedMemory.Bridge.Benchmarks.Comparing;
using Posix.SharedMemory.Bridge.Benchmarks.Roles;

namespace Posix.SharedMemory.Bridge.Benchmarks;

/// <summary>
/// The bridge beside NATS.Net alone and one TCP connection, between two network namespaces that a cable joins, in one run: <c>dotnet run -c Release --project … -- [ROUNDS [WORD]]</c>, as root. The
/// candidates take turns; the medians of the rounds are printed. With a word, only the tables whose titles contain it. With other words the program is one process of a chain, which prints one line
/// of <c>name=value</c>.
/// </summary>
internal static class Program
{
    private static async Task<int> Main(string[] args)
    {
        if (args is [] || int.TryParse(args[0], CultureInfo.InvariantCulture, out _))
        {
            return Tables.Print(args is [var rounds, ..] ? Number(rounds) : 5, args is [_, var word] ? word : "");
        }

        Console.WriteLine(args switch
        {
            ["export", var url, var delivery, var chunk, var delay] => await Bridges.ExportAsync(url, Enum.Parse<BridgeDelivery>(delivery), Number(chunk), Number(delay)),
            ["import", var url, var delay] => await Bridges.ImportAsync(url, Number(delay)),
            ["produce", var name, var capacity, var length, var count] => Ends.Produce(name, Number(capacity), Number(length), Number(count)),
            ["trickle", var name, var seconds] => Ends.Trickle(name, Number(seconds)),
            ["consume", var name, var length] => Ends.Consume(name, Number(length)),
            ["gaps", var name] => Ends.Gaps(name),
            ["ping", var there, var back, var count] => Ends.Ping(there, back, Number(count)),
            ["pong", var there, var back] => Ends.Pong(there, back),
            ["tcp-receive", var address] => await Plain.ReceiveAsync(address),
            ["tcp-send", var address, var length, var count] => await Plain.SendAsync(address, Number(length), Number(count)),
            ["tcp-ping", var address, var count] => await Plain.PingAsync(address, Number(count)),
            ["tcp-pong", var address] => await Plain.PongAsync(address),
            ["nats-receive", var url, var length, var count] => await OverNats.ReceiveAsync(url, Number(length), Number(count)),
            ["nats-send", var url, var length, var count] => await OverNats.SendAsync(url, Number(length), Number(count)),
            ["nats-ping", var url, var count] => await OverNats.PingAsync(url, Number(count)),
            ["nats-pong", var url] => await OverNats.PongAsync(url),
            ["memory-stream", var url, var channel] => await OverNats.MakeMemoryStreamAsync(url, channel),
            _ => throw new ArgumentException("The summary of this class says what there is.", nameof(args)),
        });
        return 0;
    }

    private static int Number(string text) => int.Parse(text, CultureInfo.InvariantCulture);
}
