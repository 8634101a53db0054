namespace Posix.SharedMemory;

/// <summary>What removes a region's file, and when.</summary>
public enum FileCleanup
{
    /// <summary>Nothing: the file stays until it is deleted by other means.</summary>
    Keep,

    /// <summary>
    /// Its owner's <see cref="MappedRegion.Dispose"/> deletes it. <see cref="MappedRegion.ReleaseOwnership"/> keeps it, perhaps for a restart; a crash leaves it too (<see cref="MappedRegionOptions.OnConflict"/>).
    /// </summary>
    OnDispose,

    /// <summary>
    /// The file never has its path, so it disappears with the last process that uses it, even after a crash. Other processes get it by its descriptor.
    /// </summary>
    Immediate,
}
