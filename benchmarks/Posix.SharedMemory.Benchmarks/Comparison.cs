using System.Diagnostics;
using System.Globalization;
using System.Reflection;
using BenchmarkDotNet.Attributes;

namespace Posix.SharedMemory.Benchmarks;

/// <summary>Runs the candidates of a benchmark class by turns in one session, so that a noisy machine is noisy to all of them.</summary>
internal static class Comparison
{
    private const int Rounds = 21;
    private const int WarmUpMilliseconds = 1000;
    private const int RoundMilliseconds = 40;

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
        Console.WriteLine($"  {"",-24}{"median ns",12}{"spread",18}{"of baseline",13}{"B allocated",13}");
        foreach (var candidate in candidates)
        {
            var ratio = Median(candidate.Times.Zip(baseline.Times, (time, reference) => time / reference));
            var spread = string.Create(CultureInfo.InvariantCulture, $"{candidate.Times.Min():N0}–{candidate.Times.Max():N0}");
            Console.WriteLine(string.Create(
                CultureInfo.InvariantCulture,
                $"  {candidate.Name,-24}{Median(candidate.Times),12:N0}{spread,18}{ratio,13:F3}{candidate.Allocated,13:N0}"));
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

        /// <summary>Managed bytes per repetition, of the last round.</summary>
        internal double Allocated { get; private set; }

        internal void Measure()
        {
            var allocated = GC.GetAllocatedBytesForCurrentThread();
            var start = Stopwatch.GetTimestamp();
            Repeat(Act, Count);
            Times.Add(Stopwatch.GetElapsedTime(start).TotalNanoseconds / Count);
            Allocated = (GC.GetAllocatedBytesForCurrentThread() - allocated) / (double)Count;
        }
    }
}
