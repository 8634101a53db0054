namespace Posix.SharedMemory.Tool;

/// <summary>What was asked cannot be meant. It is found before anything is touched.</summary>
internal sealed class UsageException(string message) : CommandException(message);
