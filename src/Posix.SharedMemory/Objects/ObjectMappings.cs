namespace Posix.SharedMemory;

/// <summary>Maps an object, and keeps the list of what is mapped: the object refuses to shrink below a live mapping.</summary>
internal sealed class ObjectMappings(ObjectDescriptor descriptor) : IMappingOwner
{
    /// <summary>Where the mappings end that exist, by themselves or by a lease. Guarded, as shrinking is, by the descriptor's monitor.</summary>
    private MappedExtents _extents;

    OpenObject IMappingOwner.Target => descriptor.Target;

    bool IMappingOwner.IsDisposed => descriptor.Handle.IsClosed;

    string? IMappingOwner.Name => descriptor.Name.Text;

    object IMappingOwner.Gate => descriptor.Handle;

    internal bool IsEmpty => !_extents.IsAnyMapped;

    /// <summary>Maps a part.</summary>
    /// <param name="whole">Whether the caller gave no part, so that an empty object is the fault.</param>
    /// <param name="follows">Whether the mapping is to show what the object grows by.</param>
    internal MemoryMapping Map(long offset, long? length, MappingOptions? options, bool whole, bool follows)
    {
        var target = descriptor.Target;
        var access = options?.Access ?? DefaultAccess(target, options);
        ObjectOpening.CheckAccess(access);
        if (access == FileAccess.ReadWrite && options is not { Private: true })
        {
            descriptor.RequireWritable();
        }

        var addressSpace = options?.AddressSpace ?? 0;
        ArgumentOutOfRangeException.ThrowIfNegative(addressSpace, nameof(options));
        if (descriptor.HasHugePages && addressSpace > 0)
        {
            // Mapping such an object past its end makes it longer.
            throw new PlatformNotSupportedException("Address space cannot be reserved ahead for an object of huge pages. Set its length first, then map it.");
        }

        var mapping = Add(target, offset, length, options, access, addressSpace, whole, follows);
        if (options is { Populate: true })
        {
            // Not under the monitor, which others who map or unmap this object would wait for.
            Populate(mapping);
        }

        return mapping;
    }

    /// <summary>Makes the object shorter, unless a mapping made of it reaches past the new end.</summary>
    internal void Shrink(long length)
    {
        var platform = descriptor.Platform;
        var target = descriptor.Target;
        lock (descriptor.Handle)
        {
            if (_extents.FindPast(length) is >= 0 and var end)
            {
                // Disposing the mapping would not help if the object is sealed.
                throw platform.Seals.Get(target, out var seals).IsSuccess && seals.HasFlag(MemorySeals.Shrink)
                    ? platform.Seals.Refused(Errno.EPERM, "ftruncate", target, MemorySeals.Shrink)
                    : new InvalidOperationException(
                        $"A live mapping of this object ends at byte {end}: dispose it before shrinking the object to {length} bytes.");
            }

            platform.Backing.Shrink(target, length);
        }
    }

    /// <summary>Notes seals that were just added: under the descriptor's monitor.</summary>
    internal void Note(MemorySeals seals)
    {
        descriptor.KnownSeals |= seals;
        if (_extents.IsAnyMapped && descriptor.Platform.Seals.Get(descriptor.Target, out var present).IsSuccess && descriptor.KeepsBytes(present))
        {
            // For mappings that outlive this object, which can no longer ask the kernel then.
            _extents.SetStable(descriptor.Platform.Backing.GetLength(descriptor.Target));
        }
    }

    bool IMappingOwner.CannotEndBefore(long end)
    {
        if (descriptor.Handle.IsClosed)
        {
            return false;
        }

        try
        {
            // The seals first: once they are set the length cannot fall.
            var target = descriptor.Target;
            return descriptor.Platform.Seals.Get(target, out var seals).IsSuccess && descriptor.KeepsBytes(seals)
                && descriptor.Platform.Backing.GetLength(target) >= end;
        }
        catch (ObjectDisposedException)
        {
            // Another thread has disposed the object meanwhile.
            return false;
        }
    }

    /// <summary>What the object was opened for; reading, if it is sealed against writing. Only objects without a name, or with one from elsewhere, can be sealed.</summary>
    private FileAccess DefaultAccess(in OpenObject target, MappingOptions? options) =>
        descriptor.Access == FileAccess.ReadWrite && options is not { Private: true } && (target.Name.IsNone || target.SharesOpen)
        && descriptor.Platform.Seals.Get(target, out var seals).IsSuccess && (seals & SystemSeals.AgainstWriting) != 0
            ? FileAccess.Read
            : descriptor.Access;

    private MemoryMapping Add(
        in OpenObject target, long offset, long? length, MappingOptions? options, FileAccess access, long addressSpace, bool whole, bool follows)
    {
        // Under the monitor: no thread can shrink the object between the check of its length and the entry in the list.
        lock (descriptor.Handle)
        {
            var mapped = CheckMapped(descriptor.Platform.Backing.GetLength(target), offset, length, whole);
            // The kernel maps from page boundaries; what is mapped before the first byte is hidden.
            var slack = offset & (descriptor.PageSize - 1);
            var request = new MappingRequest
            {
                Offset = offset - slack,
                Length = mapped.Length + slack,
                // Bytes that the object grows by inside its last page are mapped already.
                AddressSpace = descriptor.RoundUp(Math.Max(mapped.Length, Math.Min(addressSpace, long.MaxValue - slack)) + slack),
                Access = access,
                Private = options?.Private ?? false,
                PageSize = descriptor.PageSize,
                HugePages = options?.AdviseHugePages ?? false,
            };
            // Huge pages are mapped whole, and none is reserved ahead.
            var range = descriptor.Platform.Mapping.Map(target, descriptor.HasHugePages ? request with { Length = request.AddressSpace } : request);
            range.Extent = new(offset + mapped.Length) { IsStable = descriptor.KeepsBytes(descriptor.KnownSeals) };
            _extents.Add(range.Extent);
            return new(descriptor.Platform, this, range, request, slack, follows);
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

    private static ByteRange CheckMapped(long available, long offset, long? length, bool whole)
    {
        if (whole && available == 0)
        {
            throw new InvalidOperationException(
                "The object is empty. Call SetLength first; or, if another process creates the object, open it with OpenWhenReadyAsync, which waits until it has its length.");
        }

        ArgumentOutOfRangeException.ThrowIfNegative(offset);
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual(offset, available);
        if (length is { } asked)
        {
            ArgumentOutOfRangeException.ThrowIfNegativeOrZero(asked, nameof(length));
        }

        return ByteRange.Within(available, offset, length ?? available - offset);
    }
}
