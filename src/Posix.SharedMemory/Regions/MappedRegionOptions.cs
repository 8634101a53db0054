namespace Posix.SharedMemory;

/// <summary>How a file-backed region is made and mapped.</summary>
public sealed record MappedRegionOptions
{
    internal static readonly MappedRegionOptions Default = new();

    /// <summary>Gets the permissions of a new file, exactly: the umask does not apply. The default lets the owner read and write, and nobody else.</summary>
    public UnixFileMode Permissions { get; init; } = SharedMemoryOptions.OwnerOnly;

    /// <summary>
    /// Gets how many bytes of address space to take: while the region grows up to there, its bytes do not move. 0, the default: growing
    /// maps the region anew, elsewhere.
    /// </summary>
    public long AddressSpace { get; init; }

    /// <summary>Gets when the space of the file is taken from the file system. The default, <see cref="Backing.Reserved"/>, takes it at once.</summary>
    public Backing Backing { get; init; } = Backing.Reserved;

    /// <summary>Checks the caller's options, or gives the default ones.</summary>
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
