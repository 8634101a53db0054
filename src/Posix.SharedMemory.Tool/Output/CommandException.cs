namespace Posix.SharedMemory.Tool;

/// <summary>A command cannot do what was asked, for a reason that it says itself.</summary>
internal class CommandException(string message) : Exception(message);
