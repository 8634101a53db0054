namespace Posix.SharedMemory.Tool;

/// <summary>A command cannot do what was asked; the message gives the reason, in the command's own words.</summary>
internal class CommandException(string message) : Exception(message);
