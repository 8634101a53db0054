namespace Posix.SharedMemory;

/// <summary>When a region's file goes away.</summary>
public enum FileCleanup
{
    /// <summary>
    /// When its owner disposes the region. A file that is to stay, for a restart perhaps, is kept by <see cref="MappedRegion.ReleaseOwnership"/>; a crash leaves it too.
    /// </summary>
    Manual,

    /// <summary>
    /// With its last user, also after a crash: the path never leads to the file. Others get it by its descriptor.
    /// </summary>
    Auto,
}
