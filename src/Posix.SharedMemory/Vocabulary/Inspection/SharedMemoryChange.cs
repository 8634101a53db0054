namespace Posix.SharedMemory.Inspection;

/// <summary>A change of a name.</summary>
/// <param name="Kind">The kind of change.</param>
/// <param name="NameBytes">The name afterwards, or the one removed: its bytes, without a slash. Empty for <see cref="SharedMemoryChangeKind.Missed"/>.</param>
/// <param name="OldNameBytes">The previous name of a renamed object; otherwise empty.</param>
public sealed record SharedMemoryChange(SharedMemoryChangeKind Kind, ReadOnlyMemory<byte> NameBytes, ReadOnlyMemory<byte> OldNameBytes);
