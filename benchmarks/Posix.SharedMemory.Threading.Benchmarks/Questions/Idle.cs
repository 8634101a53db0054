using System.Diagnostics;

namespace Posix.SharedMemory.Threading.Benchmarks;

/// <summary>What do a hundred asynchronous waits cost that nothing happens to?</summary>
internal static class Idle
{
    internal static IEnumerable<string> Ask()
    {
        using var place = Place.Create();
        var counts = Enumerable.Range(0, 100).Select(i => SharedEventCount.At(place.Roster, Place.Data + (i * 8))).ToArray();
        using var cancellation = new CancellationTokenSource();
        var waits = counts.Select(count => Wait(count, cancellation.Token)).ToArray();
        Thread.Sleep(1500);
        var threads = Directory.GetDirectories("/proc/self/task").Count(task => File.ReadAllText(task + "/comm").StartsWith("shm ", StringComparison.Ordinal));
        var process = Process.GetCurrentProcess();
        var before = process.TotalProcessorTime;
        var clock = Stopwatch.StartNew();
        Thread.Sleep(10_000);
        process.Refresh();
        var share = (process.TotalProcessorTime - before) / clock.Elapsed;
        cancellation.Cancel();
        GC.KeepAlive(waits);
        return
        [
            Judged.Head,
            Judged.AtMost("share of a core with 100 waits armed, per cent", share * 100, 0.05),
            Judged.AtMost("threads of the library", threads, 1),
        ];
    }

    private static async Task Wait(SharedEventCount count, CancellationToken token)
    {
        while (!token.IsCancellationRequested)
        {
            try
            {
                await count.WaitAsync(count.PrepareWait(), token).ConfigureAwait(false);
            }
            catch (OperationCanceledException)
            {
                return;
            }
        }
    }
}
