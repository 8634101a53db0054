namespace Posix.SharedMemory;

/// <summary>A checked request for a mapping: page-aligned, inside the object, within the object's access.</summary>
internal readonly record struct MappingRequest
{
    /// <summary>Gets the first byte of the object to map: a multiple of the page size.</summary>
    internal required long Offset { get; init; }

    /// <summary>Gets how many bytes.</summary>
    internal required long Length { get; init; }

    /// <summary>Gets how many bytes of address space to take from there on, in whole pages: those of the length, and more if the object may grow into them.</summary>
    internal required long Reach { get; init; }

    internal required FileAccess Access { get; init; }

    internal bool Private { get; init; }

    /// <summary>Gets the size of the pages that the object is made of.</summary>
    internal required long PageSize { get; init; }

    internal bool HugePages { get; init; }
}
