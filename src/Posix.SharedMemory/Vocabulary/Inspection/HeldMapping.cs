namespace Posix.SharedMemory.Inspection;

/// <summary>A process's mapping of an object.</summary>
/// <param name="Address">The start address in that process.</param>
/// <param name="Length">The length in bytes, in whole pages.</param>
/// <param name="Offset">The offset in the object of its first byte.</param>
/// <param name="Access">The access that the pages' protection allows.</param>
/// <param name="IsPrivate">Whether stores stay in that process (copy-on-write).</param>
public readonly record struct HeldMapping(ulong Address, long Length, long Offset, FileAccess Access, bool IsPrivate);
