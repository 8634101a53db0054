namespace Posix.SharedMemory.Bridge.Tool;

/// <summary>What was given is wrong; the message says what.</summary>
internal sealed class UsageException(string message) : Exception(message);
