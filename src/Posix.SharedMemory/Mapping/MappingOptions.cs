namespace Posix.SharedMemory;

/// <summary>How an object is mapped.</summary>
/// <example>
/// <code>
/// using var scratch = memory.Map(new() { Private = true });    // What is written there is nobody else's.
/// using var ready = memory.Map(new() { Populate = true, Access = FileAccess.Read });
/// </code>
/// </example>
public sealed record MappingOptions
{
    /// <summary>Gets what the mapping allows; <see langword="null"/>, the default: what the object was opened for.</summary>
    public FileAccess? Access { get; init; }

    /// <summary>Gets whether stores stay in this process: copy-on-write (<c>MAP_PRIVATE</c>).</summary>
    public bool Private { get; init; }

    /// <summary>
    /// Gets how many bytes of address space to take from the first mapped byte on. The object may grow up to there, by any process, and
    /// <see cref="MemoryMapping.Refresh"/> shows the growth without moving anything. 0, the default: just what is mapped.
    /// </summary>
    /// <remarks>Address space costs no memory; hundreds of GiB are well.</remarks>
    public long AddressSpace { get; init; }

    /// <summary>Gets whether the pages are brought in at once, as by <see cref="MemoryMapping.Prefault"/>: the first touch costs nothing then, and memory that is missing is an exception.</summary>
    public bool Populate { get; init; }

    /// <summary>Gets whether the kernel is advised to use huge pages (<c>MADV_HUGEPAGE</c>; Linux). Where it cannot, nothing changes.</summary>
    public bool AdviseHugePages { get; init; }
}
