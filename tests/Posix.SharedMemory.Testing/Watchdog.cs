using System.Diagnostics;

namespace Posix.SharedMemory.Testing;

/// <summary>Waits for conditions that are bound to come, and fails a test in which they do not.</summary>
public static class Watchdog
{
    /// <summary>How long anything may take before the test is given up: long enough for a machine that has ten times as much to do as it can.</summary>
    public static readonly TimeSpan Limit = TimeSpan.FromMinutes(4);

    /// <summary>Waits until a condition holds.</summary>
    /// <exception cref="TimeoutException">It did not within <see cref="Limit"/>.</exception>
    public static void Until(Func<bool> condition, string what)
    {
        var clock = Stopwatch.StartNew();
        for (var wait = default(SpinWait); !condition(); wait.SpinOnce())
        {
            if (clock.Elapsed > Limit)
            {
                throw new TimeoutException($"Waited {Limit.TotalSeconds} s for: {what}.\n{Doings.OfThisProcessAndItsChildren()}");
            }
        }
    }

    /// <summary>Runs something that must come to an end.</summary>
    /// <param name="action">What.</param>
    /// <param name="what">In words.</param>
    /// <param name="limit">How long at most; <see cref="Limit"/>, unless the end is not expected to come.</param>
    /// <exception cref="TimeoutException">It did not; it is left running.</exception>
    public static T Run<T>(Func<T> action, string what, TimeSpan? limit = null)
    {
        var task = Task.Run(action);
        var most = limit ?? Limit;
        return Task.WhenAny(task, Task.Delay(most)).GetAwaiter().GetResult() == task
            ? task.GetAwaiter().GetResult()
            : throw new TimeoutException($"Waited {most.TotalSeconds} s for: {what}.\n{Doings.OfThisProcessAndItsChildren()}");
    }
}
