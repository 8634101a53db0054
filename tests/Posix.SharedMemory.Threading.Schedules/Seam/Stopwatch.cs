using Posix.SharedMemory.Threading.Schedules;

namespace Posix.SharedMemory.Threading;

/// <summary>Stands in for the base library's: the time of a schedule passes when the scheduler says so.</summary>
internal static class Stopwatch
{
    /// <summary>The clock of a test that has its own.</summary>
    [ThreadStatic]
    private static Func<long>? t_clock;

    internal static void Substitute(Func<long>? clock) => t_clock = clock;

    internal static long GetTimestamp() => t_clock is { } clock ? clock() : Actor.Current is { } actor ? actor.Schedule.Clock : System.Diagnostics.Stopwatch.GetTimestamp();
}
