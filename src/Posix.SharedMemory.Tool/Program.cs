using Posix.SharedMemory.Tool;

// Asked for by scripts all the time: answered before the parser is even loaded.
if (args is ["--version"])
{
    return Streams.Print(ProductVersion.Text + "\n", ExitCode.Done);
}

return CommandLine.Run(args);
