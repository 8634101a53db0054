namespace Posix.SharedMemory;

/// <summary>Who removes a region's file, and when.</summary>
public enum FileCleanup
{
    /// <summary>Nobody: the file stays until it is deleted by other means.</summary>
    Keep,

    /// <summary>
    /// Its owner's <see cref="MappedRegion.Dispose"/> deletes it. <see cref="MappedRegion.ReleaseOwnership"/> keeps it, for a restart perhaps; a crash leaves it too.
    /// </summary>
    OnDispose,

    /// <summary>
    /// The file never has its path, so it goes away with the last process that uses it, also after a crash. Others get it by its descriptor.
    /// </summary>
    Immediate,
}
