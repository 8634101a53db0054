using System.Diagnostics.CodeAnalysis;

namespace Posix.SharedMemory;

public sealed partial class SharedMemoryObject
{
    /// <summary>Where the mappings end that were made of this object and are mapped, by themselves or by a lease. Guarded, as shrinking is, by the descriptor's monitor.</summary>
    private MappedExtents _extents;

    /// <summary>Maps the whole object.</summary>
    /// <exception cref="InvalidOperationException">The object is empty; or it was opened for reading and shared write access is asked for.</exception>
    /// <exception cref="SharedMemoryException">
    /// <see cref="Errno.ENOMEM"/>: no address space left. <see cref="Errno.EPERM"/>: sealed against writing. <see cref="Errno.EACCES"/>: the descriptor does not allow it.
    /// With <see cref="MappingOptions.Populate"/> as <see cref="MemoryMapping.Prefault()"/>; nothing is mapped then.
    /// </exception>
    /// <remarks>
    /// Linux gives a process <c>vm.max_map_count</c> mappings (65,530 by default), and the runtime needs some of them at any time, also to throw an exception: a
    /// process that uses them up may end with "Out of memory" instead of seeing <see cref="Errno.ENOMEM"/>. Map large parts instead of many.
    /// <see href="https://man7.org/linux/man-pages/man2/mmap.2.html">mmap(2)</see>
    /// </remarks>
    [SuppressMessage("ApiDesign", "RS0026", Justification = "The two overloads differ in a required first argument: no call fits both.")]
    public MemoryMapping Map(MappingOptions? options = null) => Map(0, null, options, whole: true, follows: true);

    /// <summary>Maps a part of the object.</summary>
    /// <param name="offset">The first byte; any below the length, aligned to a page or not.</param>
    /// <param name="length">How many bytes; by default, up to the end.</param>
    /// <param name="options">Access, copy-on-write, populate, huge pages.</param>
    /// <exception cref="ArgumentOutOfRangeException">The part is empty or does not lie inside the object.</exception>
    /// <exception cref="InvalidOperationException">The object was opened for reading and shared write access is asked for.</exception>
    /// <exception cref="SharedMemoryException">
    /// <see cref="Errno.ENOMEM"/>: no address space left. <see cref="Errno.EPERM"/>: sealed against writing. <see cref="Errno.EACCES"/>: the descriptor does not allow it.
    /// With <see cref="MappingOptions.Populate"/> as <see cref="MemoryMapping.Prefault()"/>; nothing is mapped then.
    /// </exception>
    /// <remarks>
    /// Linux gives a process <c>vm.max_map_count</c> mappings (65,530 by default), and the runtime needs some of them at any time, also to throw an exception: a
    /// process that uses them up may end with "Out of memory" instead of seeing <see cref="Errno.ENOMEM"/>. Map large parts instead of many.
    /// <see href="https://man7.org/linux/man-pages/man2/mmap.2.html">mmap(2)</see>
    /// </remarks>
    [SuppressMessage("ApiDesign", "RS0026", Justification = "The two overloads differ in a required first argument: no call fits both.")]
    public MemoryMapping Map(long offset, long? length = null, MappingOptions? options = null) =>
        Map(offset, length, options, whole: false, follows: length is null || options is { AddressSpace: > 0 });

    /// <summary>Maps from the start, and shows what the object grows to as far as the address space goes.</summary>
    internal MemoryMapping MapFollowing(long? length, long addressSpace) =>
        Map(0, length, new() { AddressSpace = addressSpace }, whole: true, follows: true);

    OpenObject IMappingOwner.Target => Target;

    bool IMappingOwner.IsDisposed => _handle.IsClosed;

    object IMappingOwner.Gate => _handle;

    /// <param name="whole">Whether the caller named no part, so that an empty object is what is wrong.</param>
    private MemoryMapping Map(long offset, long? length, MappingOptions? options, bool whole, bool follows)
    {
        var target = Target;
        var access = options?.Access ?? Access;
        CheckAccess(access);
        if (access == FileAccess.ReadWrite && options is not { Private: true })
        {
            RequireWritable();
        }

        var addressSpace = options?.AddressSpace ?? 0;
        ArgumentOutOfRangeException.ThrowIfNegative(addressSpace, nameof(options));
        if (HasHugePages && addressSpace > 0)
        {
            // Mapping such an object behind its end makes it longer.
            throw new PlatformNotSupportedException("Address space cannot be taken ahead for an object of huge pages. Give it its length, and map it then.");
        }

        var mapping = Add(target, offset, length, options, access, addressSpace, whole, follows);
        if (options is { Populate: true })
        {
            // Not under the monitor, which others who map or unmap this object would wait for.
            Populate(mapping);
        }

        return mapping;
    }

    private MemoryMapping Add(
        in OpenObject target, long offset, long? length, MappingOptions? options, FileAccess access, long addressSpace, bool whole, bool follows)
    {
        // Under the monitor: no thread can shrink the object between the look at its length and the entry in the list.
        lock (_handle)
        {
            var mapped = CheckMapped(_platform.Backing.GetLength(target), offset, length, whole);
            // The kernel maps from page boundaries; what is mapped before the first byte is hidden.
            var slack = offset & (PageSize - 1);
            var request = new MappingRequest
            {
                Offset = offset - slack,
                Length = mapped.Length + slack,
                // Bytes that the object grows by inside its last page are mapped already.
                AddressSpace = RoundUp(Math.Max(mapped.Length, Math.Min(addressSpace, long.MaxValue - slack)) + slack),
                Access = access,
                Private = options?.Private ?? false,
                PageSize = PageSize,
                HugePages = options?.AdviseHugePages ?? false,
            };
            // Huge pages are mapped whole, and none is taken ahead.
            var range = _platform.Mapping.Map(target, HasHugePages ? request with { Length = request.AddressSpace } : request);
            range.Extent = new(offset + mapped.Length) { IsStable = KeepBytes(KnownSeals) };
            _extents.Add(range.Extent);
            return new(_platform, this, range, request, slack, follows);
        }
    }

    private static void Populate(MemoryMapping mapping)
    {
        var isDone = false;
        try
        {
            mapping.Prefault();
            isDone = true;
        }
        finally
        {
            if (!isDone)
            {
                mapping.Dispose();
            }
        }
    }

    private long RoundUp(long length) => HasHugePages ? (length + PageSize - 1) & ~(PageSize - 1) : MemoryPage.RoundUp(length);

    private static ByteRange CheckMapped(long available, long offset, long? length, bool whole)
    {
        if (whole && available == 0)
        {
            throw new InvalidOperationException("The object is empty: give it a length first.");
        }

        ArgumentOutOfRangeException.ThrowIfNegative(offset);
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual(offset, available);
        if (length is { } asked)
        {
            ArgumentOutOfRangeException.ThrowIfNegativeOrZero(asked, nameof(length));
        }

        return ByteRange.Within(available, offset, length ?? available - offset);
    }

    private void Shrink(long length)
    {
        var target = Target;
        lock (_handle)
        {
            if (_extents.FindPast(length) is >= 0 and var end)
            {
                // Disposing it would not help what is sealed.
                throw _platform.Seals.Get(target, out var seals).IsSuccess && seals.HasFlag(MemorySeals.Shrink)
                    ? _platform.Seals.Refused(Errno.EPERM, "ftruncate", target, MemorySeals.Shrink)
                    : new InvalidOperationException($"A live mapping of this object ends at {end}: dispose it before shrinking to {length}.");
            }

            _platform.Backing.Shrink(target, length);
        }
    }
}
