// Writes docs/coverage.md from what coverlet has counted: dotnet run tools/coverage.cs -- RESULTS (tools/coverage.sh does both)
#:property PublishAot=false
#:property RunAnalyzers=false

using System.Diagnostics;
using System.Globalization;
using System.Runtime.InteropServices;
using System.Text;
using System.Text.Json;
using System.Text.RegularExpressions;

// Why a place is not run by the tests: the first pattern that fits `path: source line`. What fits none is listed as such.
(string Place, string Reason)[] reasons =
[
    (@"^src/Posix.SharedMemory/Interop/|Errno\.Numbers|ControlLayout|Platform/Platform\.cs|PosixPlatform\.(Mapping|Sealing)\.cs: .*(virtual|=> Errno\.EOPNOTSUPP|NumberOf|_ => null)",
        "the numbers and ways of other processors and systems, chosen by where the program runs"),
    (@"TryCreateInPlace|_temporaryName|Creating\.cs: if \(handle is null\)|platform\.Unlink\(name\)|MappedRegion\.cs: (if \(temporary|_ = platform)|FilePath",
        "names that systems without unpublished objects and files need until these are complete"),
    (@"UnsupportedPlatform", "verbs that only throw: their arguments cannot be made up by the test that calls all others"),
    (@"MemoryMapping\.cs: (if \(_address is null\)|_writableAddress = null)", "a race of two threads, which its test meets in most runs and not in all"),
    (@"LinuxMemory|/proc|LinuxProcessScan|LinuxHugePageScan|LinuxPlatform\.Directory|LinuxPlatform\.Memory\.cs: (return handle|!TryStat)",
        "a /proc that is missing or reads otherwise, and processes that end while they are looked at"),
    (@"LinuxDirectoryWatch", "a directory of objects that is unmounted or removed, and moves that are told in halves: not to be done to the machine's own /dev/shm"),
    (@"EOPNOTSUPP|EISDIR|ENOSYS|SCM_PIDFD|f_frsize|EINTR|LinuxPlatform\.Memory\.cs: error = default|Attempts|IsRights|header\.Length <|PosixPlatform\.Passing\.cs: break",
        "kernels that answer otherwise than this one"),
    (@"BeyondFileSizeLimit|IsWithinFileSizeLimit", "the file size limit met by a copy from a file: a limit of the process, which other tests would meet too"),
    (@"Fails\(|linkat|^[^:]*: fixed \(", "a second failure or interruption at a call whose first one is walked; and the empty span that the compiler asks for at each pin"),
    (@"Objects/SharedMemoryObject\.|SharedMemoryEntry|NameMembership|LinuxPlatform\.cs|PosixPlatform\.cs|MappedRegion|PosixPlatform\.Mapping|MemoryMapping\.Advising",
        "a neighbour who cuts, moves or removes the object in the instant between two calls; lengths at which nothing is left to do"),
    (@"WriteReadiness|Receiving\.cs|Inheriting\.cs|FaultlessPipe|Sending\.cs|DescriptorPassing", "no memory or descriptor left, or a socket that fails, in the middle of an act: what is held then is given back"),
    (@"AllocationMap|LinuxPlatform\.Memory\.cs: range\.Length|ObjectName|SharedMemoryHolders?\.cs|Errno\.cs", "ways that equality, text and empty ranges need to be whole, and that nobody goes"),
];

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

    How many lines and branches of the library the tests run, as coverlet counts them. Written by `tools/coverage.sh`.

    Measured on {Processor()}, {RuntimeInformation.OSDescription}, Linux {File.ReadAllText("/proc/sys/kernel/osrelease").Trim()}, {RuntimeInformation.FrameworkDescription}, as {Environment.UserName}, at commit {Git("rev-parse --short HEAD")}, {Git("log -1 --format=%cs")}.

    `tests/Posix.SharedMemory.Tests` and `tests/Posix.SharedMemory.Tool.Tests` are counted. Tests that run the library in other processes (the peers that are killed, the
    command `shm`) count only as far as those processes end in order and may write the counters: what a killed one has run, or one of another user, is missing. Of `Interop/` only
    what is chosen by the processor has lines to run: imports, constants and layouts are judged by `tests/Posix.SharedMemory.Abi.Tests`. While lines
    are counted, a process of another user, or one whose calls are made to fail, aborts because it cannot write the counters: a score of tests fail then, which pass in `.ci/run`.
    A number says what has run, not what has been checked: that is the
    specification's business, whose rules each have a test.

    | | lines | | branches | |
    |---|---:|---:|---:|---:|

    """);
foreach (var group in files.GroupBy(file => GroupOf(file.Key), file => file.Value, StringComparer.Ordinal).OrderBy(group => group.Key, StringComparer.Ordinal))
{
    text.Append(Row(group.Key, [.. group]));
}

text.Append(Row("**all**", [.. files.Values]));
text.Append(Row("**all but macOS and FreeBSD**", [.. files.Where(file => !IsElsewhere(file.Key)).Select(file => file.Value)]));

// Lines that have not run, and lines of which a way has not been taken, by the reason.
var left = new SortedDictionary<string, List<string>>(StringComparer.Ordinal);
foreach (var (path, counted) in files.Where(file => !IsElsewhere(file.Key)))
{
    var source = File.ReadAllLines(path);
    foreach (var line in counted.Missed.Where(line => line <= source.Length && source[line - 1].Trim() is not ("{" or "}" or "};")))
    {
        var code = source[line - 1].Trim();
        var reason = Array.Find(reasons, reason => Regex.IsMatch($"{path}: {code}", reason.Place)).Reason ?? "not explained";
        (left.TryGetValue(reason, out var lines) ? lines : left[reason] = []).Add($"- `{path["src/Posix.SharedMemory/".Length..]}:{line}` `{code.Replace("`", "'", StringComparison.Ordinal)}`");
    }
}

text.Append("""

    ## What is left, and why

    macOS and FreeBSD are written by their published headers and have not been run yet. What they share with Linux
    (`PosixPlatform`) is run here; `Platform/MacOSPlatform*`, `FreeBsdPlatform*` and `BsdPlatform*` wait for those systems, and are not listed line by line. A line listed here has not run, or one of its ways has not been taken.

    """);
foreach (var (reason, lines) in left.OrderBy(entry => entry.Key == "not explained").ThenByDescending(entry => entry.Value.Count))
{
    text.Append($"\n### {char.ToUpperInvariant(reason[0])}{reason[1..]} ({lines.Count})\n\n{string.Join('\n', lines)}\n");
}

File.WriteAllText("docs/coverage.md", text.ToString());
Console.WriteLine($"docs/coverage.md: {files.Count} files; not explained: {left.GetValueOrDefault("not explained")?.Count ?? 0}");

static bool IsElsewhere(string path) => Regex.IsMatch(path, @"/(MacOS|FreeBsd|Bsd)\w*Platform[\w.]*\.cs$");

static string GroupOf(string path)
{
    var folder = path.Split('/')[2];
    return folder != "Platform" ? folder : IsElsewhere(path) ? "Platform: macOS, FreeBSD" : "Platform: Linux, and what is common";
}

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
