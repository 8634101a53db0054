using System.Diagnostics.CodeAnalysis;

namespace Posix.SharedMemory;

public sealed partial class SharedMemoryObject
{
    /// <summary>Maps the whole object.</summary>
    /// <exception cref="InvalidOperationException">The object is empty; or it was opened for reading and shared write access is requested.</exception>
    /// <exception cref="SharedMemoryException">
    /// <see cref="Errno.ENOMEM"/>: no address space left, or as many mappings as <c>vm.max_map_count</c> allows. <see cref="Errno.EPERM"/>: <see cref="FileAccess.ReadWrite"/> is requested, and the
    /// object is sealed against writing. <see cref="Errno.EACCES"/>: the descriptor does not allow it.
    /// With <see cref="MappingOptions.Populate"/> also as <see cref="MemoryMapping.Prefault"/>; then nothing is mapped.
    /// </exception>
    /// <remarks>
    /// Without <see cref="MappingOptions.Access"/> the mapping allows what the object was opened for, and only reading if the object is sealed against writing: <see cref="MemoryMapping.Access"/> tells.
    /// <see href="https://man7.org/linux/man-pages/man2/mmap.2.html">mmap(2)</see>
    /// </remarks>
    [SuppressMessage("ApiDesign", "RS0026", Justification = "The two overloads differ in a required first argument: no call fits both.")]
    public MemoryMapping Map(MappingOptions? options = null) => _mappings.Map(0, null, options, whole: true, follows: true);

    /// <summary>Maps a part of the object.</summary>
    /// <param name="offset">The first byte; any below the length, aligned to a page or not.</param>
    /// <param name="length">How many bytes; by default, up to the end.</param>
    /// <param name="options">Access, copy-on-write, populate, huge pages.</param>
    /// <exception cref="ArgumentOutOfRangeException">The part is empty or does not lie inside the object.</exception>
    /// <exception cref="InvalidOperationException">The object was opened for reading and shared write access is requested.</exception>
    /// <exception cref="SharedMemoryException">As <see cref="Map(MappingOptions?)"/>.</exception>
    /// <remarks>Access is as for <see cref="Map(MappingOptions?)"/>. <see href="https://man7.org/linux/man-pages/man2/mmap.2.html">mmap(2)</see></remarks>
    [SuppressMessage("ApiDesign", "RS0026", Justification = "The two overloads differ in a required first argument: no call fits both.")]
    public MemoryMapping Map(long offset, long? length = null, MappingOptions? options = null) =>
        _mappings.Map(offset, length, options, whole: false, follows: length is null || options is { AddressSpace: > 0 });
}
