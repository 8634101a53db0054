namespace Posix.SharedMemory.Bridge.Tests.Tool;

/// <summary>The command <c>shm-bridge</c>, which the build put beside the tests.</summary>
internal static class ShmBridge
{
    internal static string Program { get; } = Path.Combine(AppContext.BaseDirectory, "shm-bridge");

    internal static Peer Start(params string[] words) => Peer.Run(Program, words);

    internal static (int ExitCode, string Output, string Errors) Run(params string[] words)
    {
        using var peer = Start(words);
        return peer.Finish();
    }
}
