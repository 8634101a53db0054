using Posix.SharedMemory.Tool;

return CommandLine.Run(args);
