namespace Posix.SharedMemory.Tool;

/// <summary>An object as the live view shows it.</summary>
/// <param name="Name">As it is printed.</param>
/// <param name="Entry">The object in the directory.</param>
/// <param name="Holders">How many processes hold it, as far as that is known.</param>
internal sealed record TopRow(string Name, SharedMemoryEntry Entry, HolderCount Holders);
