using System.Diagnostics;
using System.Globalization;
using Posix.SharedMemory.Bridge.Benchmarks.Comparing;
using Posix.SharedMemory.Bridge.Nats;

namespace Posix.SharedMemory.Bridge.Benchmarks.Roles;

/// <summary>A bridge in this process, until a line says <c>begin</c> and another <c>end</c>: what it used between the two.</summary>
internal static class Bridges
{
    internal static Task<string> ExportAsync(string url, BridgeDelivery delivery, int chunk, int delay) =>
        RunAsync(url, new() { Host = "a", Export = ["a.*"], Import = ["b.*"], Delivery = delivery, ChunkBytes = chunk, BatchDelay = TimeSpan.FromMicroseconds(delay), NamePrefix = Host.PrefixA, ImportLimitBytes = 1L << 31 });

    internal static Task<string> ImportAsync(string url, int delay) =>
        RunAsync(url, new() { Host = "b", Import = ["a.*"], Export = ["b.*"], BatchDelay = TimeSpan.FromMicroseconds(delay), NamePrefix = Host.PrefixB, ImportLimitBytes = 1L << 31 });

    private static async Task<string> RunAsync(string url, BridgeOptions options)
    {
        await using var bridge = await NatsBridge.ConnectAsync(url, options);
        using var stop = new CancellationTokenSource();
        long lost = 0;
        bridge.Lost += loss => lost += loss.Last - loss.First + 1;
        bridge.Refused += refusal => Console.Error.WriteLine($"{options.Host}: {refusal.Channel}: {refusal.Reason}");
        var running = bridge.RunAsync(stop.Token);
        Console.WriteLine("open");
        await Console.In.ReadLineAsync();
        var (processor, allocated) = (Process.GetCurrentProcess().TotalProcessorTime, GC.GetTotalAllocatedBytes(precise: true));
        Console.WriteLine("begun");
        await Console.In.ReadLineAsync();
        var figures = string.Create(CultureInfo.InvariantCulture, $"cpu={(Process.GetCurrentProcess().TotalProcessorTime - processor).TotalSeconds:F3} allocated={GC.GetTotalAllocatedBytes(precise: true) - allocated} lost={lost}");
        await stop.CancelAsync();
        await running;
        return figures;
    }
}
