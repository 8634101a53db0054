using System.Diagnostics;
using System.Globalization;

namespace Posix.SharedMemory.Bridge.Benchmarks.Roles;

/// <summary>What a process has used, and how long its round trips took.</summary>
internal static class Figures
{
    /// <summary>A rate between the first and the last message, and the processor time of this process.</summary>
    internal static string Of(long messages, long bytes, TimeSpan elapsed) =>
        string.Create(CultureInfo.InvariantCulture, $"seconds={elapsed.TotalSeconds:F3} messages={messages} bytes={bytes} cpu={Process.GetCurrentProcess().TotalProcessorTime.TotalSeconds:F3} allocated={GC.GetTotalAllocatedBytes(precise: true)}");

    /// <summary>Half of each round trip is not known to be one way: round trips are shown.</summary>
    internal static string OfTrips(List<long> ticks)
    {
        ticks.Sort();
        return string.Create(CultureInfo.InvariantCulture, $"p50={Microseconds(0.5):F1} p99={Microseconds(0.99):F1} most={Microseconds(1):F1}");

        double Microseconds(double part) => Stopwatch.GetElapsedTime(0, ticks[Math.Min((int)(ticks.Count * part), ticks.Count - 1)]).TotalMicroseconds;
    }
}
