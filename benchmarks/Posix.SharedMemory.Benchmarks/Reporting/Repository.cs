using System.ComponentModel;
using System.Diagnostics;

namespace Posix.SharedMemory.Benchmarks;

/// <summary>The repository that this program was built from: where the report goes.</summary>
internal sealed class Repository
{
    private readonly string _root;

    /// <exception cref="InvalidOperationException">The program does not run out of a repository.</exception>
    internal Repository()
    {
        var directory = new DirectoryInfo(AppContext.BaseDirectory);
        while (directory is not null && !directory.EnumerateFiles("*.slnx").Any())
        {
            directory = directory.Parent;
        }

        _root = directory?.FullName ?? throw new InvalidOperationException("There is no repository above the program: run it by dotnet run --project.");
    }

    internal string this[string path] => Path.Combine(_root, path);

    /// <summary>The commit, and whether what was measured differs from it.</summary>
    internal string Commit()
    {
        var commit = FirstLineOf("git", "-C", _root, "rev-parse", "--short=9", "HEAD");
        var changes = FirstLineOf("git", "-C", _root, "status", "--porcelain", "--", "src", "benchmarks/Posix.SharedMemory.Benchmarks", "Directory.Build.props", "Directory.Packages.props");
        return commit + (changes.Length > 0 ? "+changes" : "");
    }

    /// <summary>The first line that a program prints; empty where it prints none, "unknown" where it cannot run.</summary>
    internal static string FirstLineOf(string program, params string[] arguments)
    {
        try
        {
            using var process = Process.Start(new ProcessStartInfo(program, arguments) { UseShellExecute = false, RedirectStandardOutput = true, RedirectStandardError = true })!;
            var output = process.StandardOutput.ReadToEnd();
            process.WaitForExit();
            return process.ExitCode == 0 ? output.Split('\n')[0] : "unknown";
        }
        catch (Win32Exception)
        {
            return "unknown";
        }
    }
}
