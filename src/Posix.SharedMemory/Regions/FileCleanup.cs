namespace Posix.SharedMemory;

/// <summary>When a region's file goes away.</summary>
public enum FileCleanup
{
    /// <summary>When its owner disposes the region.</summary>
    Manual,

    /// <summary>
    /// With its last user, also after a crash: the path never leads to the file. Others get it by its descriptor.
    /// </summary>
    Auto,
}
