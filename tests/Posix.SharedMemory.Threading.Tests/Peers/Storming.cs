namespace Posix.SharedMemory.Threading.Tests.Peers;

/// <summary>Enters and leaves until it is killed. Inside, it keeps two counters equal; after a death, it makes them equal again.</summary>
internal static class Storming
{
    internal const long First = Memory.Data, Second = Memory.Data + 64, Torn = Memory.Data + 128, Repairs = Memory.Data + 192;

    internal static void Work(MemoryMapping mapping)
    {
        using var roster = Roster.Join(mapping);
        var mutex = SharedMutex.At(roster, Memory.Mutex);
        Console.WriteLine("working");
        while (true)
        {
            Enter(mutex, mapping);
        }
    }

    internal static void Enter(SharedMutex mutex, MemoryMapping mapping)
    {
        ref var first = ref mapping.GetReference<long>(First);
        ref var second = ref mapping.GetReference<long>(Second);
        using var hold = mutex.EnterUnrepaired();
        if (hold.OwnerDied)
        {
            second = first;
            mapping.GetReference<long>(Repairs)++;
            hold.MarkConsistent();
        }
        else if (first != second)
        {
            Interlocked.Increment(ref mapping.GetReference<long>(Torn));
        }

        first++;
        second++;
    }
}
