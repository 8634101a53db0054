namespace Posix.SharedMemory;

/// <summary>How a new object is created.</summary>
/// <example>
/// <code><![CDATA[
/// // A service that can be restarted: Ctrl-C and kill -9 leave the name, and the next start takes it over. The group shares the object.
/// using var state = SharedMemoryObject.Create("state", 1 << 20, new()
/// {
///     Lifetime = Lifetime.UnlinkOnDispose,
///     OnConflict = NameConflict.ReplaceAbandoned,
///     GroupId = 100,
///     Permissions = UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.GroupRead | UnixFileMode.GroupWrite,
///     MemoryCheck = MemoryCheck.None,   // The kernel alone decides whether there is memory.
/// });
/// ]]></code>
/// </example>
public sealed record SharedMemoryOptions
{
    internal const UnixFileMode OwnerOnly = UnixFileMode.UserRead | UnixFileMode.UserWrite;

    internal static readonly SharedMemoryOptions Default = new();

    /// <summary>Gets the exact permissions; the umask does not apply. By default only the owner may read and write.</summary>
    public UnixFileMode Permissions { get; init; } = OwnerOnly;

    /// <summary>
    /// Gets the number of the group that the object belongs to, set before any other process can see the object. <see langword="null"/>, the default: this
    /// process's group, or the group of the directory if that is set-group. A group that this process is not in needs root (<see cref="Errno.EPERM"/>).
    /// </summary>
    public uint? GroupId { get; init; }

    /// <summary>Gets when the memory is allocated. The default, <see cref="Backing.Reserved"/>, allocates it at once.</summary>
    public Backing Backing { get; init; } = Backing.Reserved;

    /// <summary>Gets whether an estimate of the free memory may refuse a reservation, also when this object grows. The default is <see cref="MemoryCheck.Estimate"/>.</summary>
    public MemoryCheck MemoryCheck { get; init; } = MemoryCheck.Estimate;

    /// <summary>Gets when the name is removed. The default, <see cref="Lifetime.Keep"/>, keeps it until it is unlinked.</summary>
    public Lifetime Lifetime { get; init; } = Lifetime.Keep;

    /// <summary>
    /// Gets what to do if the name is taken. The default, <see cref="NameConflict.Fail"/>, is <see cref="Errno.EEXIST"/>. A service that is to start again after it was
    /// killed uses <see cref="NameConflict.ReplaceAbandoned"/>.
    /// </summary>
    public NameConflict OnConflict { get; init; } = NameConflict.Fail;

    /// <summary>Checks the caller's options, or returns the default ones.</summary>
    internal static SharedMemoryOptions Check(SharedMemoryOptions? options)
    {
        if (options is null)
        {
            return Default;
        }

        Arguments.CheckPermissions(options.Permissions, nameof(options));
        Arguments.CheckId(options.GroupId, nameof(options));
        Arguments.Check(options.Backing, nameof(options));
        Arguments.Check(options.MemoryCheck, nameof(options));
        Arguments.Check(options.Lifetime, nameof(options));
        Arguments.Check(options.OnConflict, nameof(options));
        return options;
    }
}
