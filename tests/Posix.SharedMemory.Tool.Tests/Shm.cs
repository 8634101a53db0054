using System.Diagnostics;
using System.Text;

namespace Posix.SharedMemory.Tool.Tests;

/// <summary>The command as a person runs it: a process, what it prints, and how it ends.</summary>
internal static class Shm
{
    /// <summary>Gets the command that is tested: the one that the environment variable <c>SHM_PROGRAM</c> names, or else the one that the build put beside the tests.</summary>
    internal static string Program { get; } = Environment.GetEnvironmentVariable("SHM_PROGRAM") is { Length: > 0 } given
        ? Path.GetFullPath(given)
        : Path.Combine(AppContext.BaseDirectory, "shm");

    /// <summary>Gets whether the command was compiled to one native file, with nothing beside it.</summary>
    internal static bool IsNative { get; } = !File.Exists(Program + ".dll");

    private static readonly Lazy<bool> s_resetsSignals = new(() => Wait("env", ["--default-signal=INT", "true"], []).ExitCode == 0);

    /// <summary>Runs <c>shm</c> with words, as a shell would pass them.</summary>
    internal static Ran Run(params string[] words) => Run([], words);

    /// <summary>Runs <c>shm</c> with bytes at its standard input.</summary>
    internal static Ran Run(byte[] input, params string[] words) => Wait(Program, words, input);

    /// <summary>Starts <c>shm</c> so that SIGINT ends it, also where whoever runs the tests ignores that: in the background of a script.</summary>
    internal static Peer Start(params string[] words) => s_resetsSignals.Value
        ? Peer.Run("env", ["--default-signal=INT", Program, .. words])
        : Peer.Run(Program, words);

    /// <summary>Runs <c>shm</c>, which has to succeed and to say nothing on its error stream.</summary>
    /// <returns>What it printed.</returns>
    internal static string Print(params string[] words)
    {
        var ran = Run(words);
        Assert.Equal((0, ""), (ran.ExitCode, ran.Errors));
        return ran.Output;
    }

    /// <summary>Runs <c>shm</c>, which has to refuse what is asked with one line.</summary>
    internal static string Refuse(params string[] words) => OneLine(Run(words), exitCode: 2);

    /// <summary>Runs <c>shm</c>, which has to fail with one line.</summary>
    internal static string Fail(params string[] words) => OneLine(Run(words), exitCode: 1);

    /// <summary>A command line of the shell in which <c>$SHM</c> is the command.</summary>
    internal static Ran Shell(string line, params (string Name, string Value)[] environment) => Wait("sh", ["-c", line], [], environment);

    internal static string OneLine(Ran ran, int exitCode)
    {
        Assert.Equal((exitCode, ""), (ran.ExitCode, ran.Output));
        Assert.Equal(1, ran.Errors.AsSpan().Count('\n'));
        Assert.StartsWith("shm: ", ran.Errors, StringComparison.Ordinal);
        return ran.Errors.TrimEnd('\n');
    }

    internal static Ran Wait(string program, string[] words, byte[] input, params (string Name, string Value)[] environment)
    {
        var start = new ProcessStartInfo(program, words)
        {
            UseShellExecute = false, RedirectStandardInput = true, RedirectStandardOutput = true, RedirectStandardError = true,
        };
        start.Environment["DOTNET_EnableDiagnostics"] = "0";
        start.Environment["SHM"] = Program;
        foreach (var (name, value) in environment)
        {
            start.Environment[name] = value;
        }

        using var process = Process.Start(start)!;
        try
        {
            var errors = process.StandardError.ReadToEndAsync();
            var writing = Task.Run(() => Feed(process, input));
            var output = Watchdog.Run(
                () =>
                {
                    using var bytes = new MemoryStream();
                    process.StandardOutput.BaseStream.CopyTo(bytes);
                    return bytes.ToArray();
                },
                $"the end of shm {string.Join(' ', words)}");
            process.WaitForExit();
            writing.GetAwaiter().GetResult();
            return new(process.ExitCode, output, errors.GetAwaiter().GetResult());
        }
        finally
        {
            if (!process.HasExited)
            {
                process.Kill();
            }
        }
    }

    private static void Feed(Process process, byte[] input)
    {
        try
        {
            process.StandardInput.BaseStream.Write(input);
            process.StandardInput.Close();
        }
        catch (IOException)
        {
            // The command has ended without wanting all of it; the test looks at how.
        }
    }
}

/// <summary>How a command ended.</summary>
internal sealed record Ran(int ExitCode, byte[] Bytes, string Errors)
{
    internal string Output => Encoding.UTF8.GetString(Bytes);
}
