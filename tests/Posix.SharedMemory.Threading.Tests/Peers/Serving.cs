namespace Posix.SharedMemory.Threading.Tests.Peers;

/// <summary>The other process as one that waits without threads, or behind a filter.</summary>
internal static class Serving
{
    /// <summary>On what the thread that waits for others sleeps from the beginning.</summary>
    private const long Unused = Memory.Data + 1024;

    /// <summary>Waits for everything at once, without a thread for any of it.</summary>
    /// <param name="isAlone">Without a roster: a thread of its own waits, not the guard.</param>
    internal static void Run(MemoryMapping mapping, bool isAlone)
    {
        using var roster = isAlone ? null : Roster.Join(mapping);
        _ = SharedWord.At(mapping, Unused).WaitAsync(0).AsTask();
        Console.WriteLine("ready");
        Console.ReadLine();
        List<Task> waits = [];
        if (roster is not null)
        {
            waits.Add(Enter(SharedMutex.At(roster, Memory.Mutex)));
            waits.Add(WaitForEnd(roster));
            var count = SharedEventCount.At(roster, Memory.EventCount);
            waits.Add(count.WaitAsync(count.PrepareWait()).AsTask());
        }

        waits.Add(SharedSemaphore.Open(mapping, Memory.Semaphore).WaitAsync().AsTask());
        waits.Add(SharedEvent.Open(mapping, Memory.Event).WaitAsync().AsTask());
        Console.WriteLine("waiting");
        Task.WaitAll([.. waits]);
        Console.WriteLine("served");
        Console.ReadLine();
    }

    /// <summary>Says what this system allows.</summary>
    internal static void ReportRefused(MemoryMapping mapping)
    {
        var support = ThreadingSupport.Get();
        string posix;
        try
        {
            PosixMutex.At(mapping, Memory.Data).Enter().Dispose();
            posix = "POSIX mutex";
        }
        catch (PlatformNotSupportedException e) when (e.Message.Contains("seccomp", StringComparison.Ordinal))
        {
            posix = "no POSIX mutex";
        }

        Console.WriteLine($"{(support.CanSleepOnSeveralWords ? "several words" : "one word")}, {(support.CanFence ? "fences" : "no fences")}, {(support.DeathsAreMarked ? "marks" : "no marks")}, {posix}");
    }

    internal static string WaitForCount(Roster roster)
    {
        var count = SharedEventCount.At(roster, Memory.EventCount);
        var key = count.PrepareWait();
        Console.WriteLine("prepared");
        while (!count.Wait(key, Timeout.InfiniteTimeSpan))
        {
        }

        return "notified";
    }

    private static async Task Enter(SharedMutex mutex)
    {
        using var hold = await mutex.EnterUnrepairedAsync();
        if (hold.OwnerDied)
        {
            hold.MarkConsistent();
        }
    }

    private static Task WaitForEnd(Roster roster)
    {
        var ended = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        roster.Ended += (_, _) => ended.TrySetResult();
        return ended.Task;
    }
}
