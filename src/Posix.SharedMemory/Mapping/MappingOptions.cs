namespace Posix.SharedMemory;

/// <summary>How an object is mapped.</summary>
/// <example>
/// <code>
/// using var scratch = memory.Map(new() { Private = true });    // Stores stay in this process.
/// using var ready = memory.Map(new() { Populate = true, Access = FileAccess.Read });
/// </code>
/// </example>
public sealed record MappingOptions
{
    internal static readonly MappingOptions Default = new();

    /// <summary>Gets the mapping's access. <see langword="null"/>, the default: the access that the object was opened with, or only reading if it is sealed against writing.</summary>
    public FileAccess? Access { get; init; }

    /// <summary>Gets whether stores stay in this process: copy-on-write (<c>MAP_PRIVATE</c>).</summary>
    public bool Private { get; init; }

    /// <summary>
    /// Gets how many bytes of address space to reserve, from the first mapped byte on. Any process may grow the object up to that size, and
    /// <see cref="MemoryMapping.Refresh"/> adopts the growth without moving anything. 0, the default: only the mapped length.
    /// </summary>
    /// <remarks>Address space costs no memory; reserving hundreds of GiB is fine.</remarks>
    public long AddressSpace { get; init; }

    /// <summary>Gets whether the pages are brought in immediately, as by <see cref="MemoryMapping.Prefault()"/>: the first touch is then fast, and missing memory is an exception, as far as it can be found out before.</summary>
    public bool Populate { get; init; }

    /// <summary>Gets whether the kernel is advised to use huge pages (<c>MADV_HUGEPAGE</c>; Linux). If it cannot, nothing changes.</summary>
    public bool AdviseHugePages { get; init; }
}
