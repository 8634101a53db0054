using Posix.SharedMemory.Threading.Interop;

namespace Posix.SharedMemory.Threading;

/// <summary>The wait of a thread: attempts, with sleeps between them.</summary>
internal static class BlockingWait
{
    /// <summary>
    /// Gets or sets how long a sleeper sleeps at most without looking again: what a killed waiter took with it, another finds then. A test makes looks rare, so that a wake-up that is missing is missed.
    /// </summary>
    internal static long LookEvery { get; set; } = Deadline.Second;

    /// <summary>A blocking wait names at most this many words: what it waits for, the lives of those who have it, and its news.</summary>
    private const int MostWords = 64;

    internal static WaitOutcome Run(IWaitTarget target, Kernel kernel, ref WaitState state, Deadline deadline, CancellationToken cancellationToken)
    {
        Span<LinuxFutexWaitv> space = stackalloc LinuxFutexWaitv[MostWords];
        return Run(target, kernel, space, ref state, deadline, cancellationToken);
    }

    internal static WaitOutcome Run(
        IWaitTarget target, Kernel kernel, Span<LinuxFutexWaitv> space, ref WaitState state, Deadline deadline, CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        var news = target.News;
        var isRegistered = false;
        var registration = default(CancellationTokenRegistration);
        try
        {
            while (true)
            {
                // Read before the attempt: news that comes during it ends the sleep at once.
                var told = news.Read();
                state.IsTry = deadline == Deadline.Passed && !state.HasSlept;
                var list = new SleepList(space[..^1]);
                var outcome = target.Attempt(ref state, ref list);
                if (outcome != WaitOutcome.Pending)
                {
                    return outcome;
                }

                var now = Deadline.Now;
                if (cancellationToken.IsCancellationRequested || now >= deadline.Nanoseconds)
                {
                    if (target.GiveUp(ref state) is not WaitOutcome.Pending and var late)
                    {
                        return late;
                    }

                    cancellationToken.ThrowIfCancellationRequested();
                    return WaitOutcome.TimedOut;
                }

                if (!isRegistered)
                {
                    isRegistered = true;
                    target.BeforeSleep();
                    registration = cancellationToken.CanBeCanceled ? cancellationToken.UnsafeRegister(static news => ((News)news!).Tell(), news) : default;
                    // The attempt is older than what has just been prepared.
                    continue;
                }

                // One place was kept free: the news are never left out.
                list.Widen(space);
                news.AddTo(ref list, told);
                Sleep(kernel, ref list, ref state, now, deadline);
            }
        }
        catch (Exception e) when (e is not OperationCanceledException)
        {
            // Before the first sleep too: an attempt may have taken a part of what is waited for. It may also have come to its end.
            if (target.GiveUp(ref state) is not WaitOutcome.Pending and var late)
            {
                return late;
            }

            throw;
        }
        finally
        {
            registration.Unregister();
        }
    }

    private static void Sleep(Kernel kernel, ref SleepList list, ref WaitState state, long now, Deadline deadline)
    {
        if (list.IsToRetry)
        {
            Thread.Yield();
            return;
        }

        var look = now + LookEvery;
        var ended = kernel.Sleep(ref list, Math.Min(deadline.Nanoseconds, look));
        var awake = Deadline.Now;
        state.Slept(awake - now, look: !ended && awake >= look);
        list.PassOnEnds(kernel);
    }
}
