// Writes docs/coverage.md from what coverlet has counted: dotnet run tools/coverage.cs -- RESULTS (tools/coverage.sh does both)
#:property PublishAot=false
#:property RunAnalyzers=false

using System.Diagnostics;
using System.Globalization;
using System.Runtime.InteropServices;
using System.Text;
using System.Text.Json;
using System.Text.RegularExpressions;

var root = Environment.CurrentDirectory;
var files = new SortedDictionary<string, Counted>(StringComparer.Ordinal);
foreach (var report in Directory.GetFiles(args[0], "coverage.json", SearchOption.AllDirectories))
{
    using var json = JsonDocument.Parse(File.ReadAllText(report));
    foreach (var file in json.RootElement.EnumerateObject().SelectMany(module => module.Value.EnumerateObject()))
    {
        var path = Path.GetRelativePath(root, file.Name);
        var counted = files.TryGetValue(path, out var known) ? known : files[path] = new();
        foreach (var method in file.Value.EnumerateObject().SelectMany(type => type.Value.EnumerateObject()))
        {
            counted.Add(method.Value);
        }
    }
}

var text = new StringBuilder($"""
    # Coverage

    How many lines and branches of the library the tests run, as coverlet counts them. `tools/coverage.sh` writes this page.

    Measured on {Processor()}, {RuntimeInformation.OSDescription}, Linux {File.ReadAllText("/proc/sys/kernel/osrelease").Trim()}, {RuntimeInformation.FrameworkDescription}, as {Environment.UserName}, at commit {Git("rev-parse --short HEAD")}, {Git("log -1 --format=%cs")}.

    Counted are `tests/Posix.SharedMemory.Tests` and `tests/Posix.SharedMemory.Tool.Tests`. Tests also run the library in other processes (peers that are killed, the command
    `shm`); those count only if they end normally and may write the counters. A process of another user, or one whose calls are made to fail, aborts while lines are counted,
    because it cannot write the counters: about twenty tests fail then, which pass in `.ci/run`. In `Interop/` only what depends on the processor has lines to run;
    `tests/Posix.SharedMemory.Abi.Tests` checks its imports, constants and layouts. A figure says what has run, not what has been checked: that is what the rules of the
    specification are for, and each of them has a test.

    | | lines | | branches | |
    |---|---:|---:|---:|---:|

    """);
foreach (var group in files.GroupBy(file => GroupOf(file.Key), file => file.Value, StringComparer.Ordinal).OrderBy(group => group.Key, StringComparer.Ordinal))
{
    text.Append(Row(group.Key, [.. group]));
}

text.Append(Row("**all**", [.. files.Values]));
text.Append(Row("**all but macOS and FreeBSD**", [.. files.Where(file => !IsElsewhere(file.Key)).Select(file => file.Value)]));

text.Append("""

    ## What is not run

    macOS and FreeBSD are written by their published headers and have not been run yet. What is left of Linux is of these kinds:

    - numbers of other processors, and answers of other kernels;
    - a second failure of a call whose first failure is tested, and failures halfway through an operation when no memory or descriptor is left;
    - changes that another process makes between two calls, and processes that end while they are examined;
    - races that their tests meet in most runs but not in all.

    """);

File.WriteAllText("docs/coverage.md", text.ToString());
foreach (var (path, counted) in files.Where(file => !IsElsewhere(file.Key)))
{
    // The lines are printed, not kept: the next change moves them.
    Console.Write(string.Concat(counted.Missed.Select(line => $"{path}:{line}\n")));
}

static bool IsElsewhere(string path) => Regex.IsMatch(path, @"/(MacOS|FreeBsd|Bsd)\w*[\w.]*\.cs$") && !path.Contains("/Interop/", StringComparison.Ordinal);

// The package, short of what all packages are called, and the folder.
static string GroupOf(string path) =>
    path.Split('/') is [_, var package, var folder, _, ..]
        ? $"{(package == "Posix.SharedMemory" ? "" : package["Posix.SharedMemory.".Length..] + ": ")}{folder}{(IsElsewhere(path) ? ", macOS and FreeBSD" : "")}"
        : path;

static string Row(string name, Counted[] files)
{
    var (lines, linesHit) = (files.Sum(file => file.Lines.Count), files.Sum(file => file.Lines.Values.Count(hits => hits > 0)));
    var (ways, waysHit) = (files.Sum(file => file.Branches.Count), files.Sum(file => file.Branches.Values.Count(hits => hits > 0)));
    return string.Create(CultureInfo.InvariantCulture, $"| {name} | {linesHit} of {lines} | {100.0 * linesHit / Math.Max(lines, 1):F1} % | {waysHit} of {ways} | {100.0 * waysHit / Math.Max(ways, 1):F1} % |\n");
}

static string Processor() =>
    File.ReadLines("/proc/cpuinfo").Where(line => line.StartsWith("model name", StringComparison.Ordinal)).Select(line => line.Split(": ")[1]).FirstOrDefault("an unnamed processor")
    + $" ({Environment.ProcessorCount} cores)";

static string Git(string arguments)
{
    using var git = Process.Start(new ProcessStartInfo("git", arguments) { RedirectStandardOutput = true })!;
    return git.StandardOutput.ReadToEnd().Trim();
}

/// <summary>The lines of a file and the ways its branches go, with how often each was taken.</summary>
internal sealed class Counted
{
    public SortedDictionary<int, long> Lines { get; } = [];

    public Dictionary<(int Line, int Offset, int Path), long> Branches { get; } = [];

    /// <summary>Lines that have not run, and lines of which a way has not been taken.</summary>
    public IEnumerable<int> Missed =>
        Lines.Where(line => line.Value == 0).Select(line => line.Key).Concat(Branches.Where(way => way.Value == 0).Select(way => way.Key.Line)).Distinct().Order();

    public void Add(JsonElement method)
    {
        foreach (var line in method.GetProperty("Lines").EnumerateObject())
        {
            var number = int.Parse(line.Name, CultureInfo.InvariantCulture);
            Lines[number] = Lines.GetValueOrDefault(number) + line.Value.GetInt64();
        }

        foreach (var branch in method.GetProperty("Branches").EnumerateArray())
        {
            var way = (branch.GetProperty("Line").GetInt32(), branch.GetProperty("Offset").GetInt32(), branch.GetProperty("Path").GetInt32());
            Branches[way] = Branches.GetValueOrDefault(way) + branch.GetProperty("Hits").GetInt64();
        }
    }
}
