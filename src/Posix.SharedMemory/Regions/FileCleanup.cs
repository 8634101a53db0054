namespace Posix.SharedMemory;

/// <summary>When a region's file is deleted.</summary>
public enum FileCleanup
{
    /// <summary>The library does not delete the file.</summary>
    Keep,

    /// <summary>
    /// The owner's <see cref="MappedRegion.Dispose"/> deletes it. After <see cref="MappedRegion.ReleaseOwnership"/>, and after a crash, it stays; <see cref="MappedRegionOptions.OnConflict"/> then lets the next owner replace it.
    /// </summary>
    OnDispose,

    /// <summary>
    /// The file never appears at its path, so it disappears with the last process that uses it, even after a crash. Other processes receive its descriptor.
    /// </summary>
    Immediate,
}
