// Counters in a field: a hold keeps its bytes mapped as long as the object that owns it lives: dotnet run samples/29-counters.cs
#:project ../src/Posix.SharedMemory/Posix.SharedMemory.csproj

using Posix.SharedMemory;

const int Threads = 4, Rounds = 10_000, CounterBytes = 4096;
using var memory = SharedMemoryObject.CreateUnpublished(1 << 20);
Counters counters;
using (var map = memory.Map())
{
    // snippet: ranges
    // Every request is for the whole mapping or for a range of it. Only the counters have to be there at once, and stay there.
    map.Prefault(0, CounterBytes);
    map.Advise(MemoryAdvice.DontDump, CounterBytes, map.Length - CounterBytes);
    try
    {
        map.LockInMemory(0, CounterBytes);
    }
    catch (SharedMemoryException e) when (e.Errno is Errno.EPERM or Errno.ENOMEM)
    {
        Console.WriteLine($"not locked in memory: {e.Message}");   // RLIMIT_MEMLOCK; the counters work without.
    }

    counters = new(map.Hold(0, CounterBytes));
    map.Flush(0, CounterBytes);   // Means something for a file; on memory it succeeds at once.
    // end
}

// The mapping is disposed. The hold keeps the range mapped, for any thread.
Parallel.For(0, Threads, _ =>
{
    for (var round = 0; round < Rounds; round++)
    {
        counters.Count();
    }
});
var total = counters.Total;
counters.Dispose();
Console.WriteLine($"{Threads} threads counted to {total} after the mapping was disposed");
return total == Threads * Rounds ? 0 : 1;

// snippet: hold
// A lease is for one method. A hold may stand in a field, and is disposed with the object that owns it.
internal sealed class Counters(MappingHold bytes) : IDisposable
{
    public long Total => Volatile.Read(in bytes.GetReadOnlyReference<long>(0));

    public void Count() => Interlocked.Increment(ref bytes.GetReference<long>(0));

    public void Dispose() => bytes.Dispose();
}
// end
