using System.ComponentModel;
using System.Diagnostics;

namespace Posix.SharedMemory.Abi.Tests;

/// <summary>This machine's C compiler: <c>$CC</c>, or <c>cc</c>.</summary>
internal static class CCompiler
{
    private static readonly TimeSpan s_patience = TimeSpan.FromMinutes(2);

    /// <summary>Compiles the program and runs it.</summary>
    /// <returns>What it printed; <see langword="null"/> where there is no compiler.</returns>
    /// <exception cref="InvalidOperationException">The compiler refused the program, or the program failed.</exception>
    internal static string? Run(string program)
    {
        var compiler = Environment.GetEnvironmentVariable("CC") is { Length: > 0 } cc ? cc : "cc";
        var words = compiler.Split(' ', StringSplitOptions.RemoveEmptyEntries);
        var directory = Directory.CreateTempSubdirectory("shm-abi-");
        try
        {
            var source = Path.Combine(directory.FullName, "abi.c");
            var binary = Path.Combine(directory.FullName, "abi");
            File.WriteAllText(source, program);
            try
            {
                _ = Start(words[0], [.. words[1..], "-o", binary, source]);
            }
            catch (Win32Exception)
            {
                return null;
            }

            return Start(binary, []);
        }
        finally
        {
            directory.Delete(recursive: true);
        }
    }

    private static string Start(string command, string[] arguments)
    {
        using var process = Process.Start(new ProcessStartInfo(command, arguments)
        {
            UseShellExecute = false,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        })!;
        var output = process.StandardOutput.ReadToEndAsync();
        var error = process.StandardError.ReadToEndAsync();
        if (!process.WaitForExit(s_patience))
        {
            process.Kill(entireProcessTree: true);
            throw new TimeoutException($"{command} has not ended within {s_patience}.");
        }

        return process.ExitCode == 0
            ? output.GetAwaiter().GetResult()
            : throw new InvalidOperationException($"{command} ended with {process.ExitCode}:\n{error.GetAwaiter().GetResult()}");
    }
}
