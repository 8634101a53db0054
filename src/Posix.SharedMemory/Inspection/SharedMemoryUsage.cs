namespace Posix.SharedMemory.Inspection;

/// <summary>The room behind the names: the file system that holds named objects.</summary>
/// <param name="TotalBytes">How much it may hold.</param>
/// <param name="UsedBytes">How much it holds.</param>
/// <param name="AvailableBytes">How much this user may still take.</param>
public readonly record struct SharedMemoryUsage(long TotalBytes, long UsedBytes, long AvailableBytes)
{
    /// <summary>Gets how many files it may hold, objects and all others, however small (<c>nr_inodes</c>); 0 where it has no such limit.</summary>
    public long TotalInodes { get; init; }

    /// <summary>Gets how many more it may hold. Where none is left, creating fails with <see cref="Errno.ENOSPC"/> though there are bytes.</summary>
    public long AvailableInodes { get; init; }
}
