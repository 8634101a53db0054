namespace Posix.SharedMemory.Channels;

/// <summary>A checked message of a fan-in, in place.</summary>
internal readonly record struct ClaimedMessage(ulong Position, int Length, ushort Type, int Writer);
