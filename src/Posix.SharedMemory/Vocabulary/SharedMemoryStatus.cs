namespace Posix.SharedMemory;

/// <summary>What the system knows of an object at one moment.</summary>
/// <remarks><see href="https://man7.org/linux/man-pages/man2/statx.2.html">statx(2)</see>. Where a system does not keep a value it is zero or the epoch; see docs/platforms.md.</remarks>
public readonly record struct SharedMemoryStatus
{
    /// <summary>Gets the length in bytes.</summary>
    public long Length { get; init; }

    /// <summary>Gets the bytes of memory behind the object now, reserved ones included; less than the length where it is sparse.</summary>
    public long AllocatedBytes { get; init; }

    /// <summary>Gets the permission bits, with set-user, set-group and sticky.</summary>
    public UnixFileMode Permissions { get; init; }

    /// <summary>Gets the owner's user number.</summary>
    public uint UserId { get; init; }

    /// <summary>Gets the group's number.</summary>
    public uint GroupId { get; init; }

    /// <summary>Gets what tells this object from every other.</summary>
    public ObjectIdentity Identity { get; init; }

    /// <summary>Gets how many names the object has; 0 once it is unlinked.</summary>
    public long NameCount { get; init; }

    /// <summary>Gets when <c>read</c> last read it. Access through mappings does not count.</summary>
    public DateTimeOffset LastAccessTime { get; init; }

    /// <summary>Gets when <c>write</c> or a change of length last changed it. Stores through mappings need not count.</summary>
    public DateTimeOffset LastWriteTime { get; init; }

    /// <summary>Gets when its length, permissions or names last changed.</summary>
    public DateTimeOffset LastChangeTime { get; init; }

    /// <summary>Gets when it was created; the epoch where the system does not say.</summary>
    public DateTimeOffset CreationTime { get; init; }
}
