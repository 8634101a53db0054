namespace Posix.SharedMemory.Threading.Tests;

/// <summary>Zeroed shared memory under a name of its own, mapped; gone with the test.</summary>
internal sealed class Memory : IDisposable
{
    /// <summary>Where the kinds of locks stand, past the roster.</summary>
    internal const long Mutex = 8192, ReaderWriter = 12288, Semaphore = 20480, Event = 20496, EventCount = 20504, Condition = 20512, Once = 20520, Returning = 20544, Barrier = 24576, Data = 28672, OneSeat = 32768;

    private readonly TemporaryName _name = new("threading");
    private readonly SharedMemoryObject _object;

    internal Memory(long length = 65536)
    {
        _object = SharedMemoryObject.Create(_name, length);
        Mapping = _object.Map();
    }

    internal string Name => _name;

    internal MemoryMapping Mapping { get; }

    /// <summary>The same memory mapped once more: for the library, another participant.</summary>
    internal MemoryMapping MapAgain(FileAccess access = FileAccess.ReadWrite) => _object.Map(new MappingOptions { Access = access });

    internal uint Word(long offset) => Volatile.Read(ref Mapping.GetReference<uint>(offset));

    internal void Store(long offset, uint value) => Volatile.Write(ref Mapping.GetReference<uint>(offset), value);

    public void Dispose()
    {
        Mapping.Dispose();
        _object.Dispose();
        _name.Dispose();
    }
}
