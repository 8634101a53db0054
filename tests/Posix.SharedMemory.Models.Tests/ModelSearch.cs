using System.Diagnostics;
using System.Globalization;

namespace Posix.SharedMemory.Models.Tests;

/// <summary>Searches a Promela model in full: one of tests/models, which the project copies beside its program.</summary>
internal static class ModelSearch
{
    private static readonly string s_models = Path.Combine(AppContext.BaseDirectory, "models");

    private static readonly string s_compiler = IsInstalled("tcc") ? "tcc" : "cc";

    /// <summary>Searches all states that a model can come to, and finds no error.</summary>
    /// <param name="options">Definitions for the model, as the C preprocessor takes them.</param>
    public static void Holds(string model, string options)
    {
        var (errors, states, report) = Search(model, options);
        Assert.True(errors == 0, report);
        Assert.InRange(states, 1000, long.MaxValue);
    }

    /// <summary>Searches the states of a mutant, and finds an error.</summary>
    /// <param name="options">Definitions for the model, as the C preprocessor takes them.</param>
    public static void Fails(string model, string options)
    {
        var (errors, _, report) = Search(model, options);
        Assert.True(errors > 0, report);
    }

    private static (int Errors, long States, string Report) Search(string model, string options)
    {
        Skip.IfNot(IsInstalled("spin"), "spin is not on this machine (Debian's package spin).");
        using var directory = TemporaryDirectory.InMemory();
        // It says what it cannot make sense of, and goes on without it.
        if (Run("spin", $"-a {options} {Path.Combine(s_models, model)}", directory.Path) is var said && said.Contains("Error:", StringComparison.Ordinal))
        {
            throw new InvalidOperationException(said);
        }

        // Most searches take less time than an optimizing compiler does.
        Run(s_compiler, "-DVECTORSZ=1024 -DCOLLAPSE -DSAFETY -w -o pan pan.c", directory.Path);
        // What is reserved for states is cleared first: little will do, and the search is slower by little where there are millions.
        var report = Run(Path.Combine(directory.Path, "pan"), "-m1000000 -w21 -E", directory.Path);
        if (report.Contains("too small", StringComparison.Ordinal))
        {
            throw new InvalidOperationException(report);
        }

        var errors = report.Split("errors: ")[1].Split('\n')[0];
        var states = report.Split("states, stored")[0].Split('\n')[^1];
        return (int.Parse(errors, CultureInfo.InvariantCulture), (long)double.Parse(states, CultureInfo.InvariantCulture), report);
    }

    private static bool IsInstalled(string program) =>
        (Environment.GetEnvironmentVariable("PATH") ?? "").Split(':').Any(folder => File.Exists(Path.Combine(folder, program)));

    /// <summary>Runs a program to its end with what time others leave: many tests that run meanwhile wait for something.</summary>
    private static string Run(string program, string arguments, string directory)
    {
        using var process = Process.Start(
            new ProcessStartInfo("nice", $"-n 5 {program} {arguments}") { WorkingDirectory = directory, RedirectStandardOutput = true, RedirectStandardError = true, UseShellExecute = false })!;
        var errors = process.StandardError.ReadToEndAsync();
        var output = process.StandardOutput.ReadToEnd();
        process.WaitForExit();
        return output + errors.GetAwaiter().GetResult();
    }
}
