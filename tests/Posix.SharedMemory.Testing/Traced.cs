using System.Globalization;

namespace Posix.SharedMemory.Testing;

/// <summary>Runs the peer under strace, which tampers with system calls that touch /dev/shm.</summary>
public static class Traced
{
    /// <summary>Gets why it cannot be done here; <see langword="null"/> where it can.</summary>
    public static string? Obstacle { get; } = FindObstacle();

    /// <summary>Runs <c>act LINES</c> with an injection such as <c>fallocate:error=EINTR:when=1</c>.</summary>
    /// <param name="injection">What follows strace's <c>inject=</c>.</param>
    /// <param name="paths">The paths whose calls are meant; the runtime's own calls go untouched.</param>
    /// <param name="lines">What the peer does.</param>
    /// <returns>The exit code (negative: not by itself), what the peer printed, and the calls that strace saw.</returns>
    public static (int ExitCode, string Output, string Log) Act(string injection, string[] paths, params string[] lines)
    {
        using var log = new TemporaryFile();
        var call = injection.Split(':')[0];
        using var peer = Peer.Run(
            "strace",
            [
                "-f", "-qq", "-o", log.Path, .. paths.SelectMany(path => new[] { "-P", path }), "-e", $"trace={call}", "-e", $"inject={injection}",
                Path.Combine(AppContext.BaseDirectory, "Posix.SharedMemory.TestPeer"), "act", .. lines,
            ]);
        var (exitCode, output, _) = peer.Finish();
        return (exitCode, output, File.ReadAllText(log.Path));
    }

    private static string? FindObstacle()
    {
        if (!Installed.Has("strace"))
        {
            return "strace is not installed: no system call of another process can be made to fail or to be its last.";
        }

        using var log = new TemporaryFile();
        using var peer = Peer.Run("strace", "-qq", "-o", log.Path, "-e", "trace=getpid", "-e", "inject=getpid:error=EINTR:when=1", "/bin/true");
        var (exitCode, _, errors) = peer.Finish();
        return exitCode == 0 ? null : string.Create(CultureInfo.InvariantCulture, $"strace may not trace here ({exitCode}): {errors}");
    }
}
