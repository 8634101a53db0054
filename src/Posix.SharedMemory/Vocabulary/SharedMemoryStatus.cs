namespace Posix.SharedMemory;

/// <summary>An object's status at one moment.</summary>
/// <remarks><see href="https://man7.org/linux/man-pages/man2/statx.2.html">statx(2)</see>. A value that a system does not have is zero or the epoch; see docs/platforms.md.</remarks>
public readonly record struct SharedMemoryStatus
{
    /// <summary>Gets the length in bytes.</summary>
    public long Length { get; init; }

    /// <summary>Gets how many bytes of memory the object has now, including reserved ones; less than the length if it is sparse.</summary>
    public long AllocatedBytes { get; init; }

    /// <summary>Gets the permission bits, with set-user, set-group and sticky.</summary>
    public UnixFileMode Permissions { get; init; }

    /// <summary>Gets the owner's user id.</summary>
    public uint UserId { get; init; }

    /// <summary>Gets the group id.</summary>
    public uint GroupId { get; init; }

    /// <summary>Gets the identity that distinguishes this object from every other.</summary>
    public ObjectIdentity Identity { get; init; }

    /// <summary>Gets how many names the object has; 0 once it is unlinked.</summary>
    public long NameCount { get; init; }

    /// <summary>Gets the time of the last <c>read</c>. Access through mappings does not change it.</summary>
    public DateTimeOffset LastAccessTime { get; init; }

    /// <summary>Gets the time of the last <c>write</c> or change of length. Stores through mappings do not always change it.</summary>
    public DateTimeOffset LastWriteTime { get; init; }

    /// <summary>Gets the time of the last change of length, permissions or names.</summary>
    public DateTimeOffset LastChangeTime { get; init; }

    /// <summary>Gets the time of creation; the epoch if the system does not record it.</summary>
    public DateTimeOffset CreationTime { get; init; }
}
