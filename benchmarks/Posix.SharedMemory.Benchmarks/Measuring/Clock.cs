using System.Diagnostics;

namespace Posix.SharedMemory.Benchmarks;

/// <summary>Times one act by elapsed and by processor time of this thread, less what it takes to time nothing.</summary>
internal static class Clock
{
    private const int Calibrations = 2001;
    private static readonly CBaseline s_baseline = CBaseline.Load("thread_clock");
    private static readonly (double Elapsed, double Processor) s_nothing = Calibrate();

    /// <summary>Gets what reading the elapsed time twice takes by itself, in nanoseconds.</summary>
    internal static double Overhead => s_nothing.Elapsed;

    /// <summary>Runs it, and returns nanoseconds; what is shorter than the clock can tell is 0.</summary>
    internal static (double Elapsed, double Processor) Time(Action<int> repeat, int count)
    {
        var (elapsed, processor) = TimeWithClock(repeat, count);
        return (Math.Max(0, elapsed - s_nothing.Elapsed), Math.Max(0, processor - s_nothing.Processor));
    }

    /// <summary>Finer than a <see cref="TimeSpan"/>, which counts in hundreds of nanoseconds.</summary>
    internal static double NanosecondsSince(long timestamp) => (Stopwatch.GetTimestamp() - timestamp) * (1e9 / Stopwatch.Frequency);

    private static (double Elapsed, double Processor) TimeWithClock(Action<int> repeat, int count)
    {
        var processor = ProcessorNanoseconds();
        var start = Stopwatch.GetTimestamp();
        repeat(count);
        var elapsed = NanosecondsSince(start);
        return (elapsed, ProcessorNanoseconds() - processor);
    }

    private static (double Elapsed, double Processor) Calibrate()
    {
        var times = new (double Elapsed, double Processor)[Calibrations];
        // The first pass is for the JIT.
        for (var pass = 0; pass < 2; pass++)
        {
            for (var i = 0; i < Calibrations; i++)
            {
                times[i] = TimeWithClock(static _ => { }, 0);
            }
        }

        return (Statistics.Median(times.Select(time => time.Elapsed)), Statistics.Median(times.Select(time => time.Processor)));
    }

    // SAFETY: the function is compiled from thread_clock.c with this signature, and never unloaded.
    private static unsafe long ProcessorNanoseconds() => ((delegate* unmanaged<long>)s_baseline["thread_nanoseconds"])();
}
