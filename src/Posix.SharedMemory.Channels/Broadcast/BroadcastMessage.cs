namespace Posix.SharedMemory.Channels;

/// <summary>What a reader of a broadcast gets with a message that it copied.</summary>
/// <param name="Sequence">Its number: 0 for the first message of the broadcast, and one more for each.</param>
/// <param name="Length">Its length in bytes.</param>
/// <param name="Type">The type that it was written with.</param>
/// <param name="Missed">How many messages the reader missed just before it: they were overwritten.</param>
public readonly record struct BroadcastMessage(long Sequence, int Length, ushort Type, long Missed);
