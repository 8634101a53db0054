using System.Diagnostics;

namespace Posix.SharedMemory.Threading.Benchmarks;

/// <summary>What does joining a roster cost, the first time and afterwards?</summary>
internal static class Joining
{
    internal static IEnumerable<string> Ask()
    {
        using var memory = SharedMemoryObject.Create(SharedMemoryObject.CreateUniqueName("bench"), 65536, new() { Lifetime = Lifetime.UnlinkOnDispose });
        using var mapping = memory.Map();
        // In a process of its own, the first question is the first join.
        var start = Stopwatch.GetTimestamp();
        var first = Roster.Join(mapping);
        var firstTime = Stopwatch.GetElapsedTime(start).TotalMilliseconds;
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
            Judged.Head,
            Judged.AtMost("the first join of a process, ms (only where this question is asked alone)", firstTime, 20),
            Judged.AtMost("a later join, p50, µs", Judged.At(times, 0.5), 100),
        ];
    }
}
