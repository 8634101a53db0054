using Posix.SharedMemory.Threading;

namespace Posix.SharedMemory.TestPeer;

/// <summary>Holds named locks.</summary>
internal static class NamedLocks
{
    internal static void Mutex(string[] arguments)
    {
        using var mutex = NamedMutex.OpenOrCreate(arguments[0], out _);
        using var hold = mutex.Lock.EnterUnrepaired();
        Console.WriteLine("held");
        Console.ReadLine();
    }

    internal static void Semaphore(string[] arguments)
    {
        using var semaphore = NamedSemaphore.OpenExisting(arguments[0]);
        semaphore.WaitOne();
        Console.WriteLine("held");
        Console.ReadLine();
        semaphore.Release();
    }
}
