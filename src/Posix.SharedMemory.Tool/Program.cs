using Posix.SharedMemory.Tool;

// Asked for by scripts all the time: answered before the parser is even loaded.
if (args is ["--version"] && Descriptor.TryAnswer([.. ProductVersion.Utf8, (byte)'\n']))
{
    return ExitCode.Done;
}

return CommandLine.Run(args);
