using System.Diagnostics;

namespace Posix.SharedMemory.Threading;

/// <summary>An instant of CLOCK_MONOTONIC, in nanoseconds, at which a wait ends without success.</summary>
internal readonly record struct Deadline(long Nanoseconds)
{
    internal const long Second = 1_000_000_000;

    internal static Deadline Never => new(long.MaxValue);

    internal static Deadline Passed => new(0);

    /// <summary>Gets what time it is. On Unix, <see cref="Stopwatch"/> reads a monotonic clock in nanoseconds; on Linux and FreeBSD, CLOCK_MONOTONIC.</summary>
    internal static long Now => Stopwatch.GetTimestamp();

    internal bool IsNever => Nanoseconds == long.MaxValue;

    /// <summary>The instant at which a timeout that begins now ends.</summary>
    /// <exception cref="ArgumentOutOfRangeException">The timeout is negative, but not <see cref="Timeout.InfiniteTimeSpan"/>.</exception>
    internal static Deadline After(TimeSpan timeout)
    {
        if (timeout == Timeout.InfiniteTimeSpan)
        {
            return Never;
        }

        ArgumentOutOfRangeException.ThrowIfLessThan(timeout, TimeSpan.Zero);
        if (timeout == TimeSpan.Zero)
        {
            return Passed;
        }

        var now = Now;
        return timeout.Ticks >= (long.MaxValue - now) / TimeSpan.NanosecondsPerTick ? Never : new(now + (timeout.Ticks * TimeSpan.NanosecondsPerTick));
    }
}
