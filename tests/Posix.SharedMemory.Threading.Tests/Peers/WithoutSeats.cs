namespace Posix.SharedMemory.Threading.Tests.Peers;

/// <summary>What the other process does on a system that marks no deaths: one thing for each line.</summary>
internal static class WithoutSeats
{
    internal static void Run(MemoryMapping mapping, bool losesWakes)
    {
        Kernel.Current = new OneWordKernel(losesWakes);
        Console.WriteLine("ready");
        while (Console.ReadLine() is { } line)
        {
            Console.WriteLine(Act(line, mapping));
        }
    }

    private static string Act(string line, MemoryMapping mapping)
    {
        var word = SharedWord.At(mapping, Memory.Data);
        switch (line)
        {
            case "wait-word":
                return word.Wait(0, Watchdog.Limit).ToString();
            case "wait-word-async":
                word.WaitAsync(0).AsTask().WaitAsync(Watchdog.Limit).GetAwaiter().GetResult();
                return "changed";
            case "wait-word-briefly":
                return word.Wait(Volatile.Read(ref word.Value), TimeSpan.FromMilliseconds(70)).ToString();
            case "cancel-word":
                return Cancel(token => word.Wait(Volatile.Read(ref word.Value), Watchdog.Limit, token));
            case "change-word":
                Interlocked.Increment(ref word.Value);
                return word.Wake().ToString(System.Globalization.CultureInfo.InvariantCulture);
            case "wait-semaphore":
                return SharedSemaphore.Open(mapping, Memory.Semaphore).Wait(Watchdog.Limit).ToString();
            case "wait-semaphore-async":
                return SharedSemaphore.Open(mapping, Memory.Semaphore).WaitAsync(Watchdog.Limit).AsTask().GetAwaiter().GetResult().ToString();
            case "release":
                return $"{SharedSemaphore.Open(mapping, Memory.Semaphore).Release()}";
            case "set":
                SharedEvent.Open(mapping, Memory.Event).Set();
                return "set";
            case "wait-any":
                return $"{SharedWait.WaitAny([SharedSemaphore.Open(mapping, Memory.Semaphore), SharedEvent.Open(mapping, Memory.Event)], Watchdog.Limit)}";
            case "join":
                return Refused(() => Roster.Join(mapping).Dispose());
            case "support":
                return ThreadingSupport.Get().IsSupported.ToString();
            default:
                return Refused(() => NamedMutex.OpenOrCreate(line, out _).Dispose()) + Refused(() => NamedEvent.OpenExisting(line).Dispose());
        }
    }

    private static string Cancel(Action<CancellationToken> wait)
    {
        using var cancellation = new CancellationTokenSource(20);
        try
        {
            wait(cancellation.Token);
            return "not canceled";
        }
        catch (OperationCanceledException)
        {
            return "canceled";
        }
    }

    private static string Refused(Action act)
    {
        try
        {
            act();
            return "done";
        }
        catch (PlatformNotSupportedException e)
        {
            return e.Message.Contains("SharedSemaphore", StringComparison.Ordinal) ? "refused;" : e.Message;
        }
    }
}
