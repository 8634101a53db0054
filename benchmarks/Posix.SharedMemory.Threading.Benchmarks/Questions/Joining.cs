using System.Diagnostics;
using System.Runtime;

namespace Posix.SharedMemory.Threading.Benchmarks;

/// <summary>What does joining a roster cost, the first time and afterwards?</summary>
internal static class Joining
{
    private const int FirstTimes = 9;

    /// <summary>The first join of this process.</summary>
    /// <returns>Microseconds elapsed, of processor time, and of compilation on all threads; and how many methods were compiled.</returns>
    internal static (long Elapsed, long Processor, long Compilation, long Methods) First(string name)
    {
        using var memory = SharedMemoryObject.Open(name);
        using var mapping = memory.Map();
        var start = Stopwatch.GetTimestamp();
        var used = Environment.CpuUsage.TotalTime;
        var compilation = JitInfo.GetCompilationTime();
        var methods = JitInfo.GetCompiledMethodCount();
        using var roster = Roster.Join(mapping);
        return ((long)Stopwatch.GetElapsedTime(start).TotalMicroseconds, (long)(Environment.CpuUsage.TotalTime - used).TotalMicroseconds,
            (long)(JitInfo.GetCompilationTime() - compilation).TotalMicroseconds, JitInfo.GetCompiledMethodCount() - methods);
    }

    internal static IEnumerable<string> Ask()
    {
        using var memory = SharedMemoryObject.Create(SharedMemoryObject.CreateUniqueName("bench"), 65536, new() { Lifetime = Lifetime.UnlinkOnDispose });
        using var mapping = memory.Map();
        // In a process of its own, which compiles as any program does.
        double[] elapsed = new double[FirstTimes], processor = new double[FirstTimes], compilation = new double[FirstTimes], methods = new double[FirstTimes];
        for (var i = 0; i < FirstTimes; i++)
        {
            using var joiner = Peer.Start("join", memory.Name!, 0, tiered: true);
            elapsed[i] = Peer.Read(joiner) / 1000.0;
            processor[i] = Peer.Read(joiner) / 1000.0;
            compilation[i] = Peer.Read(joiner) / 1000.0;
            methods[i] = Peer.Read(joiner);
            joiner.WaitForExit();
        }

        var first = Roster.Join(mapping);
        var start = 0L;
        var times = new double[2000];
        for (var i = 0; i < times.Length; i++)
        {
            start = Stopwatch.GetTimestamp();
            var roster = Roster.Join(mapping, 4096);
            times[i] = Stopwatch.GetElapsedTime(start).TotalMicroseconds;
            roster.Dispose();
        }

        first.Dispose();
        return
        [
            "| microseconds | count | p50 | p90 | p99 | most |", "|---|---|---|---|---|---|", Judged.Percentiles("joining again", times), "",
            string.Create(System.Globalization.CultureInfo.InvariantCulture, $"Of the first join, compilation is {Statistics.Median(compilation):F1} ms, summed over the threads, of {Statistics.Median(methods):F0} methods (medians of {FirstTimes} processes)."), "",
            Judged.Head,
            Judged.AtMost("the first join of a process, ms", Statistics.Median(elapsed), 20),
            Judged.AtMost("the first join of a process, ms of processor time, all threads", Statistics.Median(processor), 20),
            Judged.AtMost("a later join, p50, µs", Judged.At(times, 0.5), 100),
        ];
    }
}
