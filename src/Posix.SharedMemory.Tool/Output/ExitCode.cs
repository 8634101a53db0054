namespace Posix.SharedMemory.Tool;

/// <summary>What the command tells its caller at the end.</summary>
internal static class ExitCode
{
    internal const int Done = 0;
    internal const int Failed = 1;
    internal const int WrongUsage = 2;

    /// <summary>The reader of standard output has gone: what a shell says of programs that SIGPIPE ends.</summary>
    internal const int NobodyReads = 128 + 13;
}
