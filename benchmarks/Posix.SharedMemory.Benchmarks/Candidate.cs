using System.Diagnostics;
using System.Reflection;
using BenchmarkDotNet.Attributes;

namespace Posix.SharedMemory.Benchmarks;

/// <summary>One benchmark method and what was measured of it.</summary>
internal sealed class Candidate
{
    private static readonly CBaseline s_clock = CBaseline.Load("thread_clock");
    private static long s_sum;

    private readonly Action<int> _repeat;
    private readonly Action? _reset;
    private readonly int _operations;
    private int _count = 1;

    /// <param name="reset">What goes before each repetition, not measured.</param>
    internal Candidate(object benchmarks, MethodInfo method, BenchmarkAttribute benchmark, Action? reset)
    {
        Name = method.Name;
        Category = method.GetCustomAttribute<BenchmarkCategoryAttribute>()?.Categories[0] ?? "";
        IsBaseline = benchmark.Baseline;
        _repeat = method.ReturnType == typeof(void)
            ? Repeating(method.CreateDelegate<Action>(benchmarks))
            : Repeating(method.CreateDelegate<Func<long>>(benchmarks));
        _operations = benchmark.OperationsPerInvoke;
        _reset = reset;
    }

    internal string Name { get; }

    internal string Category { get; }

    internal bool IsBaseline { get; }

    /// <summary>Gets nanoseconds per operation, one entry per round.</summary>
    internal List<double> Times { get; } = [];

    /// <summary>Gets the same in processor time of this thread, which leaves out the time in which others ran.</summary>
    internal List<double> ProcessorTimes { get; } = [];

    /// <summary>Gets managed bytes per operation, of the last round.</summary>
    internal double Allocated { get; private set; }

    /// <summary>Repeats the method and nothing else, for strace and perf.</summary>
    internal void Repeat(int count)
    {
        if (_reset is null)
        {
            _repeat(count);
            return;
        }

        for (var i = 0; i < count; i++)
        {
            _reset();
            _repeat(1);
        }
    }

    /// <summary>Runs until the JIT has settled, and chooses how many repetitions make a round.</summary>
    /// <returns>How long a round will take.</returns>
    internal TimeSpan WarmUp(TimeSpan time, TimeSpan round)
    {
        var start = Stopwatch.GetTimestamp();
        var count = 0;
        do
        {
            Repeat(1);
            count++;
        }
        while (Stopwatch.GetElapsedTime(start) < time);

        var each = Stopwatch.GetElapsedTime(start) / count;
        _count = Math.Max(1, (int)(round / each));
        return each * _count;
    }

    internal void Measure()
    {
        var (turns, repetitions) = _reset is null ? (1, _count) : (_count, 1);
        var allocated = 0L;
        var processor = 0L;
        var elapsed = TimeSpan.Zero;
        var watch = new Stopwatch();
        for (var turn = 0; turn < turns; turn++)
        {
            _reset?.Invoke();
            var allocatedBefore = GC.GetAllocatedBytesForCurrentThread();
            var processorBefore = ProcessorNanoseconds();
            watch.Restart();
            _repeat(repetitions);
            elapsed += watch.Elapsed;
            processor += ProcessorNanoseconds() - processorBefore;
            allocated += GC.GetAllocatedBytesForCurrentThread() - allocatedBefore;
        }

        var operations = (double)_count * _operations;
        Times.Add(elapsed.TotalNanoseconds / operations);
        ProcessorTimes.Add(processor / operations);
        Allocated = allocated / operations;
    }

    private static Action<int> Repeating(Action act) => count =>
    {
        for (var i = 0; i < count; i++)
        {
            act();
        }
    };

    private static Action<int> Repeating(Func<long> act) => count =>
    {
        for (var i = 0; i < count; i++)
        {
            s_sum += act();
        }
    };

    // SAFETY: the function is compiled from thread_clock.c with this signature, and never unloaded.
    private static unsafe long ProcessorNanoseconds() => ((delegate* unmanaged<long>)s_clock["thread_nanoseconds"])();
}
