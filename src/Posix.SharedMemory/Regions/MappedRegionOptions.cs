namespace Posix.SharedMemory;

/// <summary>How a file-backed region is created and mapped.</summary>
public sealed record MappedRegionOptions
{
    internal static readonly MappedRegionOptions Default = new();

    /// <summary>Gets the exact permissions of a new file; the umask does not apply. By default only the owner may read and write.</summary>
    public UnixFileMode Permissions { get; init; } = SharedMemoryOptions.OwnerOnly;

    /// <summary>
    /// Gets how many bytes of address space to reserve: while the region grows up to that size, its bytes do not move. 0, the default: growing
    /// maps the region again, at another address.
    /// </summary>
    public long AddressSpace { get; init; }

    /// <summary>Gets when the file's space is allocated. The default, <see cref="Backing.Reserved"/>, allocates it immediately.</summary>
    public Backing Backing { get; init; } = Backing.Reserved;

    /// <summary>Checks the caller's options, or returns the default ones.</summary>
    internal static MappedRegionOptions Check(MappedRegionOptions? options)
    {
        if (options is null)
        {
            return Default;
        }

        SharedMemoryOptions.Check(options.Permissions, nameof(options));
        SharedMemoryOptions.Check(options.Backing, nameof(options));
        ArgumentOutOfRangeException.ThrowIfNegative(options.AddressSpace, nameof(options));
        return options;
    }
}
