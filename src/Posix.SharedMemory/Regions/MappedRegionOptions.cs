namespace Posix.SharedMemory;

/// <summary>How a file-backed region is created and mapped.</summary>
public sealed record MappedRegionOptions
{
    internal static readonly MappedRegionOptions Default = new();

    /// <summary>Gets the permissions of a new file, exactly: the umask does not apply. The default lets the owner read and write, and nobody else.</summary>
    public UnixFileMode Permissions { get; init; } = SharedMemoryOptions.OwnerOnly;

    /// <summary>
    /// Gets how many bytes of address space to reserve: while the region grows up to that size, its bytes do not move. 0, the default: growing
    /// maps the region again, at another address.
    /// </summary>
    public long AddressSpace { get; init; }

    /// <summary>Gets when the space of the file is allocated. The default, <see cref="Backing.Reserved"/>, allocates it at once.</summary>
    public Backing Backing { get; init; } = Backing.Reserved;

    /// <summary>
    /// Gets what <see cref="MappedRegion.Create"/> does if a file has the path. The default, <see cref="NameConflict.Fail"/>, is <see cref="Errno.EEXIST"/>.
    /// <see cref="NameConflict.ReplaceAbandoned"/> replaces a file whose owner (<see cref="FileCleanup.OnDispose"/>) was killed, on tmpfs and file systems that keep the kernel's write hints.
    /// <see cref="NameConflict.Replace"/> replaces any file. A file is never truncated: processes that use it keep it and its bytes.
    /// </summary>
    public NameConflict OnConflict { get; init; } = NameConflict.Fail;

    /// <summary>Checks the caller's options, or returns the default ones.</summary>
    internal static MappedRegionOptions Check(MappedRegionOptions? options)
    {
        if (options is null)
        {
            return Default;
        }

        Arguments.CheckPermissions(options.Permissions, nameof(options));
        Arguments.Check(options.Backing, nameof(options));
        Arguments.Check(options.OnConflict, nameof(options));
        ArgumentOutOfRangeException.ThrowIfNegative(options.AddressSpace, nameof(options));
        return options;
    }
}
