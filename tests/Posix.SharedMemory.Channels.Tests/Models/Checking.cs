using System.Diagnostics;
using System.Globalization;

namespace Posix.SharedMemory.Channels.Tests.Models;

/// <summary>The Promela models of channels: searched in full, and each mutant must fail.</summary>
public sealed class Checking
{
    private static readonly string s_models = Path.Combine(AppContext.BaseDirectory, "models");

    [SkippableTheory]
    [InlineData("ring.pml", "")]
    [InlineData("endpoints.pml", "")]
    [InlineData("connection.pml", "")]
    [InlineData("latest.pml", "")]
    [InlineData("fanin.pml", "")]
    [InlineData("fanin.pml", "-DBATCH -DLIVES=1")]
    [InlineData("broadcast.pml", "")]
    [InlineData("broadcast.pml", "-DR=1 -DLW=2 -DLOSSY -DT=3")]
    [InlineData("broadcast.pml", "-DR=1 -DLW=2 -DLR=2 -DTSO")]
    [InlineData("broadcast.pml", "-DR=1 -DLR=2 -DEVICT")]
    [InlineData("broadcast.pml", "-DR=1 -DLW=2 -DLOSSY -DLONG -DLATE -DT=2")]
    [InlineData("frames.pml", "-DR=1 -DT=4")]
    [InlineData("frames.pml", "-DR=1 -DNS=1 -DK=1 -DL0=3")]
    [InlineData("frames.pml", "-DR=1 -DNS=3 -DSTOP")]
    [InlineData("frames.pml", "-DT=2")]
    [InlineData("frames.pml", "-DR=1 -DT=4 -DEVICT")]
    [InlineData("frames.pml", "-DR=1 -DT=4 -DCOUNT")]
    [InlineData("succession.pml", "")]
    [Rule("channel.models")]
    public void No_interleaving_breaks_the_protocol(string model, string options)
    {
        var (errors, states, report) = Search(model, options);
        Assert.True(errors == 0, report);
        Assert.InRange(states, 1000, long.MaxValue);
    }

    [SkippableTheory]
    [InlineData("ring.pml", "-DNOFENCE")]
    [InlineData("ring.pml", "-DNOLOOK")]
    [InlineData("ring.pml", "-DNODEATH")]
    [InlineData("ring.pml", "-DNOCONFIRM")]
    [InlineData("ring.pml", "-DNORELOAD")]
    [InlineData("ring.pml", "-DNOROOM")]
    [InlineData("ring.pml", "-DNOENDAGAIN")]
    [InlineData("ring.pml", "-DTAILFIRST")]
    [InlineData("endpoints.pml", "-DTIMEOUT")]
    [InlineData("endpoints.pml", "-DMARKFIRST")]
    [InlineData("endpoints.pml", "-DGENERATIONLAST")]
    [InlineData("endpoints.pml", "-DNOLOOKATLIFE")]
    [InlineData("connection.pml", "-DNOPREPARE")]
    [InlineData("connection.pml", "-DNOLOOK")]
    [InlineData("connection.pml", "-DNOFENCE")]
    [InlineData("connection.pml", "-DFLAGLATE")]
    [InlineData("connection.pml", "-DDRAINLATE")]
    [InlineData("connection.pml", "-DNOEND")]
    [InlineData("connection.pml", "-DTAILFIRST")]
    [InlineData("connection.pml", "-DNORING")]
    [InlineData("connection.pml", "-DNOPUMP")]
    [InlineData("connection.pml", "-DNOGONE")]
    [InlineData("latest.pml", "-DNOODD")]
    [InlineData("latest.pml", "-DPLAINODD")]
    [InlineData("latest.pml", "-DNOBARRIER")]
    [InlineData("latest.pml", "-DPLAINEVEN")]
    [InlineData("latest.pml", "-DPLAINNEWEST")]
    [InlineData("latest.pml", "-DNORECHECK")]
    [InlineData("latest.pml", "-DEARLYRECHECK")]
    [InlineData("latest.pml", "-DNOCONFIRM")]
    [InlineData("latest.pml", "-DINPLACE")]
    [InlineData("fanin.pml", "-DNOHELP")]
    [InlineData("fanin.pml", "-DNORECHECK")]
    [InlineData("fanin.pml", "-DTIMEOUT")]
    [InlineData("fanin.pml", "-DNOSETTLE -DLR=1")]
    [InlineData("fanin.pml", "-DNOFINISH")]
    [InlineData("fanin.pml", "-DHEADFIRST")]
    [InlineData("fanin.pml", "-DNODEATH")]
    [InlineData("fanin.pml", "-DBATCH -DFORWARD")]
    [InlineData("broadcast.pml", "-DLOWER")]
    [InlineData("broadcast.pml", "-DR=1 -DNORESCAN")]
    [InlineData("broadcast.pml", "-DR=1 -DNOLIMIT")]
    [InlineData("broadcast.pml", "-DTWICE")]
    [InlineData("broadcast.pml", "-DR=1 -DLW=2 -DKEEPLIMIT")]
    [InlineData("broadcast.pml", "-DR=1 -DLR=2 -DBLIND")]
    [InlineData("broadcast.pml", "-DR=1 -DNODEATH")]
    [InlineData("broadcast.pml", "-DR=1 -DNOJOINWAKE")]
    [InlineData("broadcast.pml", "-DR=1 -DLOSSY -DLATEINTENT")]
    [InlineData("broadcast.pml", "-DR=1 -DLOSSY -DEARLYINTENT")]
    [InlineData("broadcast.pml", "-DR=1 -DLOSSY -DLW=2 -DLOWERINTENT")]
    [InlineData("broadcast.pml", "-DR=1 -DLOSSY -DLONG -DT=3 -DSHORTINTENT")]
    [InlineData("broadcast.pml", "-DR=1 -DLOSSY -DLATE -DNOINTENT")]
    [InlineData("broadcast.pml", "-DR=1 -DLOSSY -DLATE -DLONG -DNOCOUNT")]
    [InlineData("broadcast.pml", "-DR=1 -DEVICT -DNOMODE")]
    [InlineData("broadcast.pml", "-DR=1 -DTSO -DNOFENCEW")]
    [InlineData("broadcast.pml", "-DR=1 -DTSO -DNOFENCER")]
    [InlineData("frames.pml", "-DR=1 -DPLAINPOP")]
    [InlineData("frames.pml", "-DR=1 -DPLAINTAKE")]
    [InlineData("frames.pml", "-DR=1 -DLATELOAD")]
    [InlineData("frames.pml", "-DR=1 -DTAILFIRST")]
    [InlineData("frames.pml", "-DR=1 -DNODRAIN")]
    [InlineData("frames.pml", "-DR=1 -DNOCONFIRM")]
    [InlineData("frames.pml", "-DR=1 -DNS=1 -DK=1 -DBLIND")]
    [InlineData("frames.pml", "-DR=1 -DNS=1 -DREPAIRS")]
    [InlineData("frames.pml", "-DR=1 -DNOSWEEP")]
    [InlineData("frames.pml", "-DR=1 -DNS=1 -DK=1 -DNOMOVE")]
    [InlineData("frames.pml", "-DR=1 -DNODEATH")]
    [InlineData("frames.pml", "-DR=1 -DNS=1 -DNORETURNWAKE")]
    [InlineData("frames.pml", "-DT=2 -DL0=1 -DEARLYCLEAR")]
    [InlineData("frames.pml", "-DR=1 -DONELOOK")]
    [InlineData("frames.pml", "-DR=1 -DMOST=0")]
    [InlineData("frames.pml", "-DR=1 -DEVICT -DPLAINJOIN")]
    [InlineData("frames.pml", "-DR=1 -DEVICT -DPLAINLEAVE")]
    [InlineData("frames.pml", "-DR=1 -DCOUNT -DNOSENTINEL")]
    [InlineData("frames.pml", "-DR=1 -DT=4 -DCOUNT -DLATESENTINEL")]
    [InlineData("succession.pml", "-DREUSE")]
    [InlineData("succession.pml", "-DP=3 -DT=1 -DNOMUTEX")]
    [InlineData("succession.pml", "-DP=3 -DT=1 -DNONAME")]
    [InlineData("succession.pml", "-DNOWAKE")]
    [InlineData("succession.pml", "-DEARLYWAKE")]
    [InlineData("succession.pml", "-DNODEATH")]
    [InlineData("succession.pml", "-DPOLLFIRST")]
    [InlineData("succession.pml", "-DPREPARELATE")]
    [InlineData("succession.pml", "-DNOREPOLL")]
    [Rule("channel.models")]
    public void The_model_fails_without_any_one_of_its_parts(string model, string options)
    {
        var (errors, _, report) = Search(model, options);
        Assert.True(errors > 0, report);
    }

    private static (int Errors, long States, string Report) Search(string model, string options)
    {
        Skip.IfNot((Environment.GetEnvironmentVariable("PATH") ?? "").Split(':').Any(folder => File.Exists(Path.Combine(folder, "spin"))), "spin is not on this machine (Debian's package spin).");
        using var directory = TemporaryDirectory.InMemory();
        Run("spin", $"-a {options} {Path.Combine(s_models, model)}", directory.Path);
        Run("cc", $"{(options.Length == 0 ? "-O1" : "-O0")} -DVECTORSZ=1024 -DCOLLAPSE -DSAFETY -w -o pan pan.c", directory.Path);
        var report = Run(Path.Combine(directory.Path, "pan"), "-m1000000 -E", directory.Path);
        Assert.DoesNotContain("too small", report, StringComparison.Ordinal);
        var errors = report.Split("errors: ")[1].Split('\n')[0];
        var states = report.Split("states, stored")[0].Split('\n')[^1];
        return (int.Parse(errors, CultureInfo.InvariantCulture), (long)double.Parse(states, CultureInfo.InvariantCulture), report);
    }

    private static string Run(string program, string arguments, string directory)
    {
        using var process = Process.Start(new ProcessStartInfo(program, arguments) { WorkingDirectory = directory, RedirectStandardOutput = true, RedirectStandardError = true, UseShellExecute = false })!;
        var errors = process.StandardError.ReadToEndAsync();
        var output = process.StandardOutput.ReadToEnd();
        process.WaitForExit();
        return output + errors.GetAwaiter().GetResult();
    }
}
