namespace Posix.SharedMemory.Inspection;

/// <summary>The size and use of the file system that contains the named objects.</summary>
/// <param name="TotalBytes">The size in bytes.</param>
/// <param name="UsedBytes">The bytes in use.</param>
/// <param name="AvailableBytes">The bytes that are available to this user.</param>
public readonly record struct SharedMemoryUsage(long TotalBytes, long UsedBytes, long AvailableBytes)
{
    /// <summary>Gets the maximum number of files, including objects, of any size (<c>nr_inodes</c>); 0 if there is no limit.</summary>
    public long TotalInodes { get; init; }

    /// <summary>Gets how many more files can be created. If none, creating fails with <see cref="Errno.ENOSPC"/> even if bytes are available.</summary>
    public long AvailableInodes { get; init; }
}
