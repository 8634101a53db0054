namespace Posix.SharedMemory;

/// <summary>How long an object is, and how much memory it has.</summary>
internal readonly record struct ObjectExtent(long Length, long AllocatedBytes);
