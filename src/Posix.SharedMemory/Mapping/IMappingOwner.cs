namespace Posix.SharedMemory;

/// <summary>Whoever must know that a mapping is gone: an object refuses to shrink below its live mappings.</summary>
internal interface IMappingOwner
{
    void Release(MemoryMapping mapping);
}
