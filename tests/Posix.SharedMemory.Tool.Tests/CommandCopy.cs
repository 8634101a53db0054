using System.Globalization;

namespace Posix.SharedMemory.Tool.Tests;

/// <summary>A copy of the command where every user may read it; the build's output may be in a private home directory.</summary>
internal sealed class CommandCopy : IDisposable
{
    private readonly string _directory = Directory.CreateTempSubdirectory("shm").FullName;

    internal CommandCopy()
    {
        // Not by this process: what another test forks meanwhile would have the program open for writing, and it could not be run (ETXTBSY).
        var files = Shm.IsNative ? "shm" : "shm* Posix.SharedMemory.dll Posix.SharedMemory.Threading.dll Posix.SharedMemory.Channels.dll System.CommandLine.dll Spectre.Console.dll";
        var copied = Shm.Shell($"cd '{Path.GetDirectoryName(Shm.Program)}' && cp {files} {_directory} && chmod -R a+rX {_directory}");
        Assert.Equal((0, ""), (copied.ExitCode, copied.Errors));
    }

    /// <summary>Gets the path of the copy.</summary>
    internal string Program => Path.Combine(_directory, "shm");

    /// <summary>Runs the command as <see cref="Privileged.Stranger"/>.</summary>
    internal Ran RunAsStranger(params string[] words)
    {
        var user = Privileged.Stranger.ToString(CultureInfo.InvariantCulture);
        return Shm.Wait("setpriv", [$"--reuid={user}", $"--regid={user}", "--clear-groups", Program, .. words], []);
    }

    public void Dispose() => Directory.Delete(_directory, recursive: true);
}
