namespace Posix.SharedMemory.Tool;

/// <summary>The exit codes of the command.</summary>
internal static class ExitCode
{
    internal const int Done = 0;
    internal const int Failed = 1;
    internal const int WrongUsage = 2;

    /// <summary>The reader of standard output is gone: the code that a shell reports for a program ended by SIGPIPE.</summary>
    internal const int ReaderGone = 128 + 13;
}
