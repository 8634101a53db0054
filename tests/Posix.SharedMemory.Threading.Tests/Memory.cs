namespace Posix.SharedMemory.Threading.Tests;

/// <summary>Zeroed shared memory under a name of its own, mapped; gone with the test.</summary>
internal sealed class Memory : IDisposable
{
    private readonly TemporaryName _name = new("threading");
    private readonly SharedMemoryObject _object;

    internal Memory(long length = 65536)
    {
        _object = SharedMemoryObject.Create(_name, length);
        Mapping = _object.Map();
    }

    /// <summary>Gets where locks stand, past the roster.</summary>
    internal static long Locks => 8192;

    internal string Name => _name;

    internal MemoryMapping Mapping { get; }

    /// <summary>The same memory mapped once more: for the library, another participant.</summary>
    internal MemoryMapping MapAgain(FileAccess access = FileAccess.ReadWrite) => _object.Map(new MappingOptions { Access = access });

    internal uint Word(long offset) => Volatile.Read(ref Mapping.GetReference<uint>(offset));

    public void Dispose()
    {
        Mapping.Dispose();
        _object.Dispose();
        _name.Dispose();
    }
}
