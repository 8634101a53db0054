namespace Posix.SharedMemory.Bridge.Tool;

/// <summary>The exit codes of the command.</summary>
internal static class ExitCode
{
    /// <summary>It was ended by a signal, as a bridge is.</summary>
    internal const int Done = 0;

    /// <summary>The server cannot be used, or the bridge failed.</summary>
    internal const int Failed = 1;

    /// <summary>An option, the file or the environment is wrong.</summary>
    internal const int WrongUsage = 2;
}
