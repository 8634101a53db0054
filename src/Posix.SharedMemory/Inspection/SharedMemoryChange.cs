namespace Posix.SharedMemory.Inspection;

/// <summary>Something that happened to a name.</summary>
/// <param name="Kind">What.</param>
/// <param name="NameBytes">The name afterwards, or the one removed: its bytes, without a slash. Empty for <see cref="SharedMemoryChangeKind.Missed"/>.</param>
/// <param name="OldNameBytes">The name that a renamed object had before; else empty.</param>
public sealed record SharedMemoryChange(SharedMemoryChangeKind Kind, ReadOnlyMemory<byte> NameBytes, ReadOnlyMemory<byte> OldNameBytes);
