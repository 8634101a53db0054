namespace Posix.SharedMemory;

/// <summary>The room behind the names: the file system that holds named objects.</summary>
/// <param name="TotalBytes">How much it may hold.</param>
/// <param name="UsedBytes">How much it holds.</param>
/// <param name="AvailableBytes">How much this user may still take.</param>
public readonly record struct SharedMemoryUsage(long TotalBytes, long UsedBytes, long AvailableBytes);
