namespace Posix.SharedMemory;

/// <summary>Maps an object, and lists what is mapped: the object refuses to shrink below a live mapping.</summary>
internal readonly struct ObjectMappings(ObjectDescriptor descriptor)
{
    /// <summary>Maps a part; by default, up to the end.</summary>
    /// <param name="whole">Whether the caller gave no part, so that an empty object is the fault.</param>
    /// <param name="follows">Whether the mapping is to show what the object grows by.</param>
    internal MemoryMapping Map(long offset, long? length, MappingOptions? options, bool whole, bool follows)
    {
        options ??= MappingOptions.Default;
        var access = options.Access ?? (descriptor.MayBeSealed ? DefaultAccess(options) : descriptor.Access);
        Arguments.CheckAccess(access);
        if (access == FileAccess.ReadWrite && !options.Private)
        {
            descriptor.RequireWritable();
        }

        CheckAddressSpace(options);
        MemoryMapping mapping;
        // No thread can shrink the object between the check of its length and the entry in the list.
        lock (descriptor.Handle)
        {
            var part = descriptor.CheckRange(offset, length, nameof(length));
            mapping = part.Length == 0 ? throw NothingToMap(length, whole) : new(descriptor, part, access, options, follows);
        }

        if (options.Populate)
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
            if (descriptor.Extents.FindPast(length) is { } end)
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
        if (descriptor.Extents.IsAnyMapped && descriptor.Platform.Seals.Get(descriptor.Target, out var present).IsSuccess && descriptor.KeepsBytes(present))
        {
            // For mappings that outlive this object, which can no longer ask the kernel then.
            descriptor.Extents.SetStable(descriptor.Platform.Backing.GetLength(descriptor.Target));
        }
    }

    /// <summary>What the object was opened for; reading, if it is sealed against writing.</summary>
    private FileAccess DefaultAccess(MappingOptions options) =>
        descriptor.Access == FileAccess.ReadWrite && !options.Private
        && descriptor.Platform.Seals.Get(descriptor.Target, out var seals).IsSuccess && (seals & SystemSeals.AgainstWriting) != 0
            ? FileAccess.Read
            : descriptor.Access;

    private void CheckAddressSpace(MappingOptions options)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(options.AddressSpace, nameof(options));
        if (descriptor.HasHugePages && options.AddressSpace > 0)
        {
            // Mapping such an object past its end makes it longer.
            throw new PlatformNotSupportedException("Address space cannot be reserved ahead for an object of huge pages. Set its length first, then map it.");
        }
    }

    private static Exception NothingToMap(long? length, bool whole) => whole
        ? new InvalidOperationException(
            "The object is empty. Call SetLength first; or, if another process creates the object, open it with OpenWhenReadyAsync, which waits until it has its length.")
        : new ArgumentOutOfRangeException(nameof(length), "The part is empty: it has no bytes, or begins where the object ends.");

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
}
