using System.Globalization;

namespace Posix.SharedMemory.Tool.Tests;

/// <summary>A copy of the command where every user may read it; the build's output may lie in somebody's home.</summary>
internal sealed class CommandCopy : IDisposable
{
    private readonly string _directory = Directory.CreateTempSubdirectory("shm").FullName;

    internal CommandCopy()
    {
        foreach (var pattern in (string[])["shm*", "Posix.SharedMemory.dll", "System.CommandLine.dll", "Spectre.Console.dll"])
        {
            foreach (var file in Directory.EnumerateFiles(AppContext.BaseDirectory, pattern))
            {
                File.Copy(file, Path.Combine(_directory, Path.GetFileName(file)));
            }
        }

        Assert.Equal(0, Shm.Shell($"chmod -R a+rX {_directory}").ExitCode);
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
