using System.Diagnostics;
using System.Reflection;
using BenchmarkDotNet.Attributes;

namespace Posix.SharedMemory.Benchmarks;

/// <summary>Runs the candidates of a benchmark class by turns in one session, so that a noisy machine is noisy to all of them.</summary>
internal static class Comparison
{
    private const int Rounds = 21;
    private const int WarmUpMilliseconds = 1000;
    private const int RoundMilliseconds = 40;

    private static readonly CBaseline s_clock = CBaseline.Load("thread_clock");

    /// <summary>Measures every category of a benchmark class against its baseline and prints a table of each.</summary>
    internal static void Run<T>(T benchmarks)
        where T : notnull
    {
        foreach (var category in Candidates(benchmarks).GroupBy(candidate => candidate.Category, StringComparer.Ordinal))
        {
            Print(category.Key, [.. category]);
        }
    }

    /// <summary>Does nothing but repeat one candidate, for strace and perf.</summary>
    internal static bool Repeat<T>(T benchmarks, string name, int count)
        where T : notnull
    {
        if (Candidates(benchmarks).Find(candidate => candidate.Name == name) is not { } found)
        {
            return false;
        }

        Repeat(found.Act, count);
        return true;
    }

    private static List<Candidate> Candidates<T>(T benchmarks)
        where T : notnull => [..
            from method in typeof(T).GetMethods()
            let benchmark = method.GetCustomAttribute<BenchmarkAttribute>()
            where benchmark is not null
            let category = method.GetCustomAttribute<BenchmarkCategoryAttribute>()?.Categories[0] ?? ""
            orderby benchmark.Baseline descending
            select new Candidate(category, method.Name, benchmark.Baseline, method.CreateDelegate<Action>(benchmarks))];

    private static void Print(string category, List<Candidate> candidates)
    {
        foreach (var candidate in candidates)
        {
            candidate.Count = WarmUp(candidate.Act);
        }

        for (var round = 0; round < Rounds; round++)
        {
            // Whoever comes first in a round comes last in the next.
            for (var turn = 0; turn < candidates.Count; turn++)
            {
                candidates[(round + turn) % candidates.Count].Measure();
            }
        }

        var baseline = candidates.Find(candidate => candidate.IsBaseline) ?? candidates[0];
        Console.WriteLine(category);
        Console.WriteLine($"  {"",-24}{"median ns",12}{"spread",18}{"of baseline",13}{"cpu ns",12}{"of baseline",13}{"B allocated",13}");
        foreach (var candidate in candidates)
        {
            var spread = $"{candidate.Times.Min():N0}–{candidate.Times.Max():N0}";
            var elapsed = $"{Median(candidate.Times),12:N0}{spread,18}{Ratio(candidate.Times, baseline.Times),13:F3}";
            var processor = $"{Median(candidate.ProcessorTimes),12:N0}{Ratio(candidate.ProcessorTimes, baseline.ProcessorTimes),13:F3}";
            Console.WriteLine($"  {candidate.Name,-24}{elapsed}{processor}{candidate.Allocated,13:N0}");
        }

        Console.WriteLine();
    }

    /// <summary>Runs until the JIT has settled; tells how many repetitions make a round.</summary>
    private static int WarmUp(Action act)
    {
        var watch = Stopwatch.StartNew();
        var count = 0;
        while (watch.ElapsedMilliseconds < WarmUpMilliseconds)
        {
            act();
            count++;
        }

        return Math.Max(1, (int)((long)count * RoundMilliseconds / WarmUpMilliseconds));
    }

    private static void Repeat(Action act, int count)
    {
        for (var i = 0; i < count; i++)
        {
            act();
        }
    }

    /// <summary>The median of the ratios of turns that were taken in the same round.</summary>
    private static double Ratio(List<double> times, List<double> references) =>
        Median(times.Zip(references, (time, reference) => time / reference));

    private static unsafe long ProcessorNanoseconds() => ((delegate* unmanaged<long>)s_clock["thread_nanoseconds"])();

    private static double Median(IEnumerable<double> values)
    {
        var sorted = values.Order().ToList();
        return sorted[sorted.Count / 2];
    }

    private sealed record Candidate(string Category, string Name, bool IsBaseline, Action Act)
    {
        internal int Count { get; set; }

        /// <summary>Nanoseconds per repetition, one entry per round.</summary>
        internal List<double> Times { get; } = [];

        /// <summary>The same in processor time of this thread, which leaves out the time in which others ran.</summary>
        internal List<double> ProcessorTimes { get; } = [];

        /// <summary>Managed bytes per repetition, of the last round.</summary>
        internal double Allocated { get; private set; }

        internal void Measure()
        {
            var allocated = GC.GetAllocatedBytesForCurrentThread();
            var processor = ProcessorNanoseconds();
            var start = Stopwatch.GetTimestamp();
            Repeat(Act, Count);
            Times.Add(Stopwatch.GetElapsedTime(start).TotalNanoseconds / Count);
            ProcessorTimes.Add((ProcessorNanoseconds() - processor) / (double)Count);
            Allocated = (GC.GetAllocatedBytesForCurrentThread() - allocated) / (double)Count;
        }
    }
}
