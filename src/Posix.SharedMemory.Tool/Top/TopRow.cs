namespace Posix.SharedMemory.Tool;

/// <summary>An object as the live view shows it.</summary>
/// <param name="Name">As it is printed.</param>
/// <param name="Entry">The object in the directory.</param>
/// <param name="Holders">How many processes hold it, as far as that is known.</param>
/// <param name="Found">The processes that were found to hold it; <see langword="null"/> where the system does not reveal them.</param>
/// <param name="Channel">What it shows if it is a channel.</param>
/// <param name="Rate">How many messages a second were written to it since the last snapshot; <see langword="null"/>: unknown.</param>
/// <param name="IsBlocked">Whether the reader of a fan-in waited for the same writer's message at both snapshots, or the writer of a broadcast for the same reader, and no message passed between.</param>
internal sealed record TopRow(
    string Name, SharedMemoryEntry Entry, HolderCount Holders, SharedMemoryHolders? Found = null, ChannelLook? Channel = null, double? Rate = null, bool IsBlocked = false);
