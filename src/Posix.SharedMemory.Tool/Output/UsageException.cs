namespace Posix.SharedMemory.Tool;

/// <summary>The command line is wrong. This is found before anything is touched.</summary>
internal sealed class UsageException(string message) : CommandException(message);
