#:property PublishAot=false
#:property NoWarn=$(NoWarn);MA0009;MA0023;MA0047
// Keeps the code in README.md and the guides equal to samples that CI runs: dotnet run tools/snippets.cs -- check|update [--root DIR]
//
// In a sample, `// snippet: NAME` … `// end` (with # in Python) marks a region. In Markdown, a line directly above a code fence names it:
// <!-- snippet: samples/03-publish-when-ready.cs#publish -->, or without #NAME the whole file. `update` writes the fences again.
// `check` prints one line per violation, `path:line: what`. Exit code 0: none; 1: some; 2: wrong usage.
using System.Text.RegularExpressions;

if (args is not [("check" or "update") and var act, .. var rest] || FindRoot(rest) is not { } root)
{
    Console.Error.WriteLine("Usage: dotnet run tools/snippets.cs -- check|update [--root DIR], or inside the repository, where a .slnx is here or above.");
    return 2;
}

var samples = new Samples(root);
var violations = 0;
var included = 0;
foreach (var path in Documents(root))
{
    var document = Document.Read(root, path);
    var result = document.Compare(samples);
    included += result.Included;
    if (act == "update" && result.Text != document.Text)
    {
        File.WriteAllText(Path.Combine(root, path), result.Text);
        Console.WriteLine($"{path}: updated");
    }

    foreach (var finding in result.Findings.Where(finding => act == "check" || !finding.IsFixed))
    {
        Console.WriteLine($"{path}:{finding.Line}: {finding.What}");
        violations++;
    }
}

Console.WriteLine($"snippets: {included} included, {violations} violations");
return violations == 0 ? 0 : 1;

static string? FindRoot(string[] args)
{
    if (args.Length > 0)
    {
        return args is ["--root", var given] && Directory.Exists(given) ? Path.GetFullPath(given) : null;
    }

    var directory = new DirectoryInfo(Environment.CurrentDirectory);
    while (directory is not null && !directory.EnumerateFiles("*.slnx").Any())
    {
        directory = directory.Parent;
    }

    return directory?.FullName;
}

// What a reader copies from: the front page, the guides, and the front pages of the packages.
static IEnumerable<string> Documents(string root)
{
    string[] found = ["README.md", .. In("docs/guide"), .. In("src")];
    return found.Where(path => File.Exists(Path.Combine(root, path))).Order(StringComparer.Ordinal);

    IEnumerable<string> In(string folder) => !Directory.Exists(Path.Combine(root, folder)) ? [] :
        Directory.EnumerateFiles(Path.Combine(root, folder), "*.md", SearchOption.AllDirectories)
            .Select(path => Path.GetRelativePath(root, path))
            .Where(path => !path.Split('/').Any(word => word is "bin" or "obj"));
}

/// <summary>Something to fix; <c>update</c> fixes what only differs.</summary>
internal sealed record Finding(int Line, string What, bool IsFixed = false);

/// <summary>A page in Markdown, compared with the samples: what it should read, and what is wrong.</summary>
internal sealed record Document(string Text)
{
    private static readonly Regex s_mark = new(@"^(?<indent>\s*)<!-- snippet: (?<source>\S+) -->\s*$");
    private static readonly Regex s_fence = new(@"^(?<indent>\s*)(?<ticks>`{3,}|~{3,})\s*(?<language>[\w#+-]*).*$");

    // Languages whose code has to come from a sample, and the ending of its file. Shell, text and settings are free.
    private static readonly Dictionary<string, string> s_endings = new(StringComparer.OrdinalIgnoreCase)
    {
        ["csharp"] = ".cs", ["cs"] = ".cs", ["c#"] = ".cs", ["c"] = ".c", ["python"] = ".py", ["py"] = ".py",
        ["rust"] = ".rs", ["rs"] = ".rs", ["go"] = ".go", ["js"] = ".js", ["javascript"] = ".js", ["node"] = ".js",
    };

    public static Document Read(string root, string path) => new(File.ReadAllText(Path.Combine(root, path)));

    public (string Text, int Included, IReadOnlyList<Finding> Findings) Compare(Samples samples)
    {
        var lines = Text.Split('\n');
        List<string> written = [];
        List<Finding> findings = [];
        var included = 0;
        for (var i = 0; i < lines.Length; i++)
        {
            written.Add(lines[i]);
            if (s_mark.IsMatch(lines[i]) && (i + 1 == lines.Length || !s_fence.IsMatch(lines[i + 1])))
            {
                findings.Add(new(i + 1, "no code fence below this mark"));
            }

            if (s_fence.Match(lines[i]) is not { Success: true } fence)
            {
                continue;
            }

            var closing = Array.FindIndex(lines, i + 1, line => IsClosing(line, fence.Groups["ticks"].Value));
            if (closing < 0)
            {
                findings.Add(new(i + 1, "this code fence is never closed"));
                continue;
            }

            var body = lines[(i + 1)..closing];
            var mark = i == 0 ? null : s_mark.Match(lines[i - 1]);
            if (mark is { Success: true })
            {
                var (wanted, finding) = CompareFence(fence, body, mark.Groups["source"].Value, i + 1, samples);
                body = wanted;
                findings.AddRange(finding is null ? [] : [finding]);
                included += finding is null or { IsFixed: true } ? 1 : 0;
            }
            else if (s_endings.ContainsKey(fence.Groups["language"].Value))
            {
                findings.Add(new(i + 1, $"{fence.Groups["language"].Value} without a snippet mark above: who runs it?"));
            }

            written.AddRange(body);
            written.Add(lines[closing]);
            i = closing;
        }

        return (string.Join('\n', written), included, findings);
    }

    private static (string[] Wanted, Finding? Finding) CompareFence(Match fence, string[] body, string source, int line, Samples samples)
    {
        var language = fence.Groups["language"].Value;
        if (s_endings.TryGetValue(language, out var ending) && Path.GetExtension(source.Split('#')[0]) != ending)
        {
            return (body, new(line, $"{source} is no {language}"));
        }

        if (samples.Find(source, out var why) is not { } code)
        {
            return (body, new(line - 1, why));
        }

        var indent = fence.Groups["indent"].Value;
        string[] wanted = [.. code.Select(text => text.Length == 0 ? text : indent + text)];
        var same = wanted.Zip(body).TakeWhile(pair => pair.First == pair.Second).Count();
        return same == wanted.Length && same == body.Length
            ? (wanted, null)
            : (wanted, new(line + 1 + same, $"differs from {source}: update writes it again", IsFixed: true));
    }

    private static bool IsClosing(string line, string ticks)
    {
        var trimmed = line.Trim();
        return trimmed.Length >= ticks.Length && trimmed.All(c => c == ticks[0]);
    }
}

/// <summary>The samples that CI runs: the numbered programs, and the files that one of them, or the script beside it, names.</summary>
internal sealed class Samples(string root)
{
    private static readonly Regex s_start = new(@"^\s*(//|#)\s*snippet:\s*(?<name>\S+)\s*$");
    private static readonly Regex s_end = new(@"^\s*(//|#)\s*end\s*$");

    private readonly string[] _programs = Directory.Exists(Path.Combine(root, "samples"))
        ? [.. Directory.EnumerateFiles(Path.Combine(root, "samples"), "*.cs").Where(path => char.IsAsciiDigit(Path.GetFileName(path)[0]))]
        : [];

    private readonly Dictionary<string, string[]> _regions = new(StringComparer.Ordinal);

    /// <summary>The lines of FILE#REGION or of a whole FILE, or null and why there are none.</summary>
    public string[]? Find(string source, out string why)
    {
        why = "";
        if (source.Split('#', 2) is var parts && !_regions.ContainsKey(parts[0]))
        {
            if ((why = WhyNot(parts[0])).Length > 0 || (why = Load(parts[0])).Length > 0)
            {
                return null;
            }
        }

        if (_regions.TryGetValue(source, out var lines))
        {
            return lines;
        }

        why = $"{parts[0]} has no region {source[(parts[0].Length + 1)..]}";
        return null;
    }

    private string WhyNot(string path)
    {
        var file = Path.Combine(root, path);
        if (!path.StartsWith("samples/", StringComparison.Ordinal) || !File.Exists(file))
        {
            return $"there is no sample {path}";
        }

        var name = Path.GetFileName(path);
        return _programs.Contains(file, StringComparer.Ordinal)
            || _programs.Any(program => Regex.IsMatch(Read(program) + Read(Path.ChangeExtension(program, ".sh")), $@"[\s""]{Regex.Escape(name)}[\s""]"))
            ? ""
            : $"no program in samples/ runs {path}";
    }

    private static string Read(string program) => File.Exists(program) ? File.ReadAllText(program) : "";

    // Regions may lie in one another: the marks of the inner ones are left out.
    private string Load(string path)
    {
        var lines = File.ReadAllText(Path.Combine(root, path)).TrimEnd('\n').Split('\n');
        var open = new Stack<(string Name, int Line)>();
        for (var i = 0; i < lines.Length; i++)
        {
            if (s_start.Match(lines[i]) is { Success: true } start)
            {
                open.Push((start.Groups["name"].Value, i));
            }
            else if (s_end.IsMatch(lines[i]))
            {
                if (!open.TryPop(out var region))
                {
                    return $"{path}:{i + 1} ends a region that does not begin";
                }

                if (!_regions.TryAdd($"{path}#{region.Name}", Clean(lines[(region.Line + 1)..i])))
                {
                    return $"{path} has two regions {region.Name}";
                }
            }
        }

        if (open.TryPop(out var left))
        {
            return $"{path}:{left.Line + 1} begins a region that does not end";
        }

        _regions.Add(path, Clean(lines));
        return "";
    }

    // Without marks, without the common indentation, and without blank lines at either end.
    private static string[] Clean(string[] lines)
    {
        string[] kept = [.. lines.Where(line => !s_start.IsMatch(line) && !s_end.IsMatch(line))];
        var indent = kept.Where(line => !string.IsNullOrWhiteSpace(line)).Select(line => line.Length - line.TrimStart().Length).DefaultIfEmpty().Min();
        return [.. kept.Select(line => line.Length < indent ? "" : line[indent..].TrimEnd())
            .SkipWhile(line => line.Length == 0).Reverse().SkipWhile(line => line.Length == 0).Reverse()];
    }
}
