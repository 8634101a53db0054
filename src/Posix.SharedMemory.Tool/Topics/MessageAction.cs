namespace Posix.SharedMemory.Tool;

/// <summary>What is done with a message that was received.</summary>
/// <param name="missed">How many were missed just before it.</param>
internal delegate void MessageAction(ReadOnlySpan<byte> message, ushort type, long missed);
