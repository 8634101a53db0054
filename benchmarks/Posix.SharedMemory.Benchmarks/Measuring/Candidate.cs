using System.Diagnostics;
using System.Reflection;
using BenchmarkDotNet.Attributes;

namespace Posix.SharedMemory.Benchmarks;

/// <summary>One benchmark method and what was measured of it.</summary>
internal sealed class Candidate
{
    private const int MostSamplesOfARound = 1000;
    private static long s_sum;

    private readonly Action<int> _repeat;
    private readonly Func<int, (double Elapsed, double Processor)> _time;
    private readonly Action? _reset;
    private readonly int _operations;
    private readonly bool _isSampled;
    private int _count = 1;

    /// <param name="reset">What goes before each repetition, not measured.</param>
    internal Candidate(object benchmarks, MethodInfo method, BenchmarkAttribute benchmark, Action? reset)
        : this(method, method.GetCustomAttribute<BenchmarkCategoryAttribute>()?.Categories[0] ?? "")
    {
        IsBaseline = benchmark.Baseline;
        MustNotAllocate = Side == Side.Ours && benchmarks.GetType().IsDefined(typeof(AllocatesNothingAttribute));
        _isSampled = benchmarks.GetType().IsDefined(typeof(LatenciesAttribute));
        _repeat = method.ReturnType == typeof(void)
            ? Repeating(method.CreateDelegate<Action>(benchmarks))
            : Repeating(method.CreateDelegate<Func<long>>(benchmarks));
        _time = count => Clock.Time(_repeat, count);
        _operations = benchmark.OperationsPerInvoke;
        _reset = reset;
    }

    /// <summary>One that runs, and is timed, in a process of its own.</summary>
    internal Candidate(object benchmarks, MethodInfo method, AloneAttribute alone)
        : this(method, alone.Category)
    {
        _time = method.CreateDelegate<Func<int, (double Elapsed, double Processor)>>(benchmarks);
        _repeat = count => _time(count);
        _operations = 1;
    }

    private Candidate(MethodInfo method, string category)
    {
        Name = method.Name;
        Category = category;
        _repeat = null!;
        _time = null!;
        Side = Name switch
        {
            _ when Name.EndsWith("InC", StringComparison.Ordinal) || Name.EndsWith("InCAlone", StringComparison.Ordinal) || Name.EndsWith("InCWithSameCalls", StringComparison.Ordinal) => Side.C,
            _ when Name.EndsWith("InBaseLibrary", StringComparison.Ordinal) => Side.BaseLibrary,
            _ => Side.Ours,
        };
    }

    internal string Name { get; }

    internal string Category { get; }

    internal bool IsBaseline { get; }

    internal Side Side { get; }

    internal bool MustNotAllocate { get; }

    /// <summary>Gets nanoseconds per operation, one entry per round.</summary>
    internal List<double> Times { get; } = [];

    /// <summary>Gets the same in processor time of this thread, which leaves out the time in which others ran.</summary>
    internal List<double> ProcessorTimes { get; } = [];

    /// <summary>Gets managed bytes per operation, one entry per round.</summary>
    internal List<double> Allocations { get; } = [];

    /// <summary>Gets nanoseconds per operation, one entry per call; empty where calls are not timed one by one.</summary>
    internal List<double> Samples { get; } = [];

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
            Interruption.ThrowIfAsked();
            Repeat(1);
            count++;
        }
        while (Stopwatch.GetElapsedTime(start) < time);

        // One repetition may be shorter than a tick of TimeSpan: what is divided is the number of them.
        var taken = Stopwatch.GetElapsedTime(start);
        _count = Math.Max(1, (int)(count * (round / taken)));
        return taken * ((double)_count / count);
    }

    internal void Measure()
    {
        Interruption.ThrowIfAsked();
        if (_reset is null)
        {
            var allocated = GC.GetAllocatedBytesForCurrentThread();
            var time = _time(_count);
            Add(time, GC.GetAllocatedBytesForCurrentThread() - allocated);
            Sample();
        }
        else
        {
            MeasureOneByOne(_reset);
        }
    }

    private void MeasureOneByOne(Action reset)
    {
        var allocated = 0L;
        (double Elapsed, double Processor) sum = default;
        for (var turn = 0; turn < _count; turn++)
        {
            reset();
            var allocatedBefore = GC.GetAllocatedBytesForCurrentThread();
            var time = Clock.Time(_repeat, 1);
            allocated += GC.GetAllocatedBytesForCurrentThread() - allocatedBefore;
            sum = (sum.Elapsed + time.Elapsed, sum.Processor + time.Processor);
            if (_isSampled)
            {
                Samples.Add(time.Elapsed / _operations);
            }
        }

        Add(sum, allocated);
    }

    private void Sample()
    {
        for (var i = 0; _isSampled && i < Math.Min(_count, MostSamplesOfARound); i++)
        {
            var start = Stopwatch.GetTimestamp();
            _repeat(1);
            Samples.Add(Math.Max(0, Clock.NanosecondsSince(start) - Clock.Overhead) / _operations);
        }
    }

    private void Add((double Elapsed, double Processor) time, long allocated)
    {
        var operations = (double)_count * _operations;
        Times.Add(time.Elapsed / operations);
        ProcessorTimes.Add(time.Processor / operations);
        Allocations.Add(allocated / operations);
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
}
