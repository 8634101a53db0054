using System.Diagnostics;
using System.Globalization;

namespace Posix.SharedMemory.Threading.Tests;

/// <summary>The Promela models of the protocols: searched in full, and each mutant must fail.</summary>
public sealed class Checking
{
    private static readonly string s_models = Path.Combine(AppContext.BaseDirectory, "models");

    [SkippableTheory]
    [InlineData("mutex.pml", "-DN=2 -DMAXK=1")]
    [InlineData("mutex.pml", "-DN=2 -DMAXK=2")]
    [InlineData("mutex.pml", "-DN=3 -DR=1 -DMAXK=1")]
    [InlineData("eventcount.pml", "")]
    [InlineData("readerwriter.pml", "")]
    [InlineData("seats.pml", "")]
    [InlineData("patience.pml", "-DN=2 -DR=9 -DB=0")]
    [InlineData("patience.pml", "-DN=3 -DR=1 -DTIMEOUTS")]
    [InlineData("returning.pml", "")]
    [InlineData("returning.pml", "-DM=2 -DMAXK=2")]
    [InlineData("barrier.pml", "-DMAXK=0")]
    [InlineData("barrier.pml", "-DN=2 -DMAXK=2")]
    [Rule("models.hold")]
    public void No_interleaving_breaks_the_protocol(string model, string options)
    {
        var (errors, states, report) = Search(model, options);
        Assert.True(errors == 0, report);
        Assert.InRange(states, 1000, long.MaxValue);
    }

    /// <summary>The long forms take minutes: LONG_MODELS=1 runs them.</summary>
    [SkippableTheory]
    [InlineData("mutex.pml", "-DN=3 -DR=1 -DMAXK=2")]
    [InlineData("patience.pml", "-DN=3 -DR=2 -DB=2")]
    [InlineData("returning.pml", "-DMAXK=2")]
    [InlineData("barrier.pml", "-DMAXK=1")]
    [InlineData("barrier.pml", "-DMAXK=2")]
    [Rule("models.hold")]
    public void No_interleaving_breaks_the_protocol_in_its_long_form(string model, string options)
    {
        Skip.IfNot(Environment.GetEnvironmentVariable("LONG_MODELS") == "1", "LONG_MODELS=1 searches the long forms.");
        No_interleaving_breaks_the_protocol(model, options);
    }

    [SkippableTheory]
    [InlineData("mutex.pml", "-DN=3 -DR=1 -DMAXK=1 -DNOFENCE")]
    [InlineData("mutex.pml", "-DN=3 -DR=1 -DMAXK=1 -DNOLOOK")]
    [InlineData("mutex.pml", "-DN=3 -DR=1 -DMAXK=0 -DNOLOOK -DDROPWAITERS")]
    [InlineData("eventcount.pml", "-DNOFENCE")]
    [InlineData("eventcount.pml", "-DNOLOOKAGAIN")]
    [InlineData("eventcount.pml", "-DNODEATH")]
    [InlineData("readerwriter.pml", "-DNOCHECK")]
    [InlineData("seats.pml", "-DLINKFIRST")]
    [InlineData("seats.pml", "-DFREEFIRST")]
    [InlineData("seats.pml", "-DNOINCARNATION")]
    [InlineData("readerwriter.pml", "-DNOGATE")]
    [InlineData("readerwriter.pml", "-DNOBUMP")]
    [InlineData("patience.pml", "-DN=2 -DR=2 -DTIMEOUTS -DNOAGAIN")]
    [InlineData("patience.pml", "-DN=2 -DR=6 -DB=1 -DNOQUEUE")]
    [InlineData("patience.pml", "-DN=3 -DR=1 -DTIMEOUTS -DNOGIVE")]
    [InlineData("returning.pml", "-DNORECOMPUTE")]
    [InlineData("returning.pml", "-DNOCONFIRM")]
    [InlineData("returning.pml", "-DNODEATHWAKE")]
    [InlineData("returning.pml", "-DMAXK=0 -DNOSEQUENCE")]
    [InlineData("returning.pml", "-DLATELIFE")]
    [InlineData("barrier.pml", "-DMAXK=2 -DNOMISSED")]
    [InlineData("barrier.pml", "-DNOPENDING")]
    [InlineData("barrier.pml", "-DNOSWEEP")]
    [InlineData("barrier.pml", "-DNOCONFIRM")]
    [InlineData("barrier.pml", "-DNONEWS")]
    [Rule("models.mutants")]
    public void Each_part_that_is_left_out_is_missed(string model, string options)
    {
        var (errors, _, report) = Search(model, options);
        Assert.True(errors > 0, report);
    }

    private static (int Errors, long States, string Report) Search(string model, string options)
    {
        Skip.IfNot(HasSpin(), "spin is not on this machine (Debian's package spin).");
        using var directory = TemporaryDirectory.InMemory();
        Run("spin", $"-a {options} {Path.Combine(s_models, model)}", directory.Path);
        Run("cc", $"{(options.Contains("=1 -DNO", StringComparison.Ordinal) || !options.Contains('=', StringComparison.Ordinal) ? "-O0" : "-O1")} -DVECTORSZ=1024 -DCOLLAPSE -DSAFETY -w -o pan pan.c", directory.Path);
        var report = Run(Path.Combine(directory.Path, "pan"), "-m1000000 -E", directory.Path);
        Assert.DoesNotContain("too small", report, StringComparison.Ordinal);
        var errors = report.Split("errors: ")[1].Split('\n')[0];
        var states = report.Split("states, stored")[0].Split('\n')[^1];
        return (int.Parse(errors, CultureInfo.InvariantCulture), (long)double.Parse(states, CultureInfo.InvariantCulture), report);
    }

    private static bool HasSpin() =>
        (Environment.GetEnvironmentVariable("PATH") ?? "").Split(':').Any(folder => File.Exists(Path.Combine(folder, "spin")));

    private static string Run(string program, string arguments, string directory)
    {
        using var process = Process.Start(new ProcessStartInfo(program, arguments) { WorkingDirectory = directory, RedirectStandardOutput = true, RedirectStandardError = true, UseShellExecute = false })!;
        var errors = process.StandardError.ReadToEndAsync();
        var output = process.StandardOutput.ReadToEnd();
        process.WaitForExit();
        return output + errors.GetAwaiter().GetResult();
    }
}
