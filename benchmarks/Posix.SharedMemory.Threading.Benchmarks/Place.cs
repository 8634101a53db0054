namespace Posix.SharedMemory.Threading.Benchmarks;

/// <summary>A page of shared memory with a roster, and where the locks stand in it.</summary>
internal sealed class Place : IDisposable
{
    internal const long Mutex = 4096, Semaphore = 4160, EventCount = 4224, Event = 4288, Posix = 4352, ReaderWriter = 8192, Data = 16384;

    private readonly SharedMemoryObject _memory;

    private Place(SharedMemoryObject memory)
    {
        _memory = memory;
        Mapping = memory.Map();
        Roster = Roster.Join(Mapping);
    }

    internal string Name => _memory.Name!;

    internal MemoryMapping Mapping { get; }

    internal Roster Roster { get; }

    internal static Place Create() => new(SharedMemoryObject.Create(SharedMemoryObject.CreateUniqueName("bench"), 65536, new() { Lifetime = Lifetime.UnlinkOnDispose }));

    internal static Place Open(string name) => new(SharedMemoryObject.Open(name));

    internal ref long Number(int index) => ref Mapping.GetReference<long>(Data + (index * 64));

    public void Dispose()
    {
        Roster.Dispose();
        Mapping.Dispose();
        _memory.Dispose();
    }
}
