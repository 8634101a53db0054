namespace Posix.SharedMemory.Inspection;

/// <summary>A mapping of an object in some process.</summary>
/// <param name="Address">Where it starts in that process.</param>
/// <param name="Length">How many bytes, in whole pages.</param>
/// <param name="Offset">The byte of the object at its start.</param>
/// <param name="Access">What the pages' protection allows.</param>
/// <param name="IsPrivate">Whether stores stay in that process (copy-on-write).</param>
public readonly record struct HeldMapping(ulong Address, long Length, long Offset, FileAccess Access, bool IsPrivate);
