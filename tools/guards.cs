#:property PublishAot=false
#:property NoWarn=$(NoWarn);MA0009;MA0023;MA0047
// Checks what ARCHITECTURE.md promises: dotnet run tools/guards.cs [--root DIR]
// One line per violation, `path:line: what`. Exit code 0: none; 1: some; 2: nothing could be checked.
using System.Diagnostics;
using System.Text;
using System.Text.RegularExpressions;

(string Promise, Func<Tree, IEnumerable<Finding>> Check)[] checks =
[
    ("Imports of C functions stand under Interop/", ImportsStandInInterop),
    ("No arrow between folders points upward", NoArrowPointsUpward),
    ("The tool uses the public API only", ToolUsesPublicApi),
    ("Each unsafe act has its SAFETY sentence", UnsafeActsHaveReasons),
    ("Each SYNC label names its pair", SyncLabelsComeInPairs),
    ("Each rule of the specification is claimed by a test", RulesAreClaimed),
    ("A source file is short", FilesAreShort),
    ("No failure is swallowed", NoEmptyCatch),
    ("No note to do something later", NoDeferredWork),
    ("No regions", NoRegions),
    ("No folder without a concept", NoFolderWithoutConcept),
    ("One public namespace per package", OnePublicNamespace),
    ("A file is called like its type", FilesAreCalledLikeTheirTypes),
    ("No path of a certain machine", NoMachinePaths),
];

if (FindRoot(args) is not { } root)
{
    Console.Error.WriteLine("Usage: dotnet run tools/guards.cs [--root DIR], or inside the repository, where a .slnx is here or above.");
    return 2;
}

var tree = Tree.Load(root);
if (!tree.Sources.Any())
{
    Console.Error.WriteLine($"{root} has no C# files under src/: nothing was checked.");
    return 2;
}

var violations = 0;
foreach (var (promise, check) in checks)
{
    foreach (var finding in check(tree).Distinct().OrderBy(finding => finding.Path, StringComparer.Ordinal).ThenBy(finding => finding.Line))
    {
        Console.WriteLine($"{finding.Path}:{finding.Line}: {(finding.IsWarning ? "warning: " : "")}{finding.What} [{promise}]");
        violations += finding.IsWarning ? 0 : 1;
    }
}

Console.WriteLine($"guards: {checks.Length} checks, {violations} violations");
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

static IEnumerable<Finding> ImportsStandInInterop(Tree tree) =>
    from file in tree.Sources
    where !Regex.IsMatch(file.Path, "^src/[^/]+/Interop/")
    from Match match in Regex.Matches(file.Code, @"\b(LibraryImport|DllImport)(Attribute)?\b")
    select file.At(match.Index, $"{match.Value} outside Interop/");

// A folder may use itself, the folders named here, and Vocabulary. Only Interop may not even use that: like Vocabulary it is a leaf.
static IEnumerable<Finding> NoArrowPointsUpward(Tree tree)
{
    const string Package = "src/Posix.SharedMemory/";
    Dictionary<string, string[]> mayUse = new(StringComparer.Ordinal)
    {
        ["Vocabulary"] = [],
        ["Interop"] = [],
        ["Platform"] = ["Vocabulary", "Interop"],
        ["Mapping"] = ["Vocabulary", "Interop", "Platform"],
        ["Objects"] = ["Vocabulary", "Interop", "Platform", "Mapping"],
        ["Regions"] = ["Vocabulary", "Interop", "Platform", "Mapping", "Objects"],
        ["Passing"] = ["Vocabulary", "Interop", "Platform", "Mapping", "Objects"],
    };

    static string FolderOf(SourceFile file) => file.Path[Package.Length..].Split('/') is [var folder, _, ..] ? folder : "";

    var files = tree.Sources.Where(file => file.Path.StartsWith(Package, StringComparison.Ordinal)).ToArray();
    var homes = files.SelectMany(file => file.Declarations, (file, type) => (type.Name, Folder: FolderOf(file)))
        .ToLookup(home => home.Name, home => home.Folder, StringComparer.Ordinal);
    foreach (var file in files)
    {
        var folder = FolderOf(file);
        if (!mayUse.TryGetValue(folder, out var lower))
        {
            // Assembly attributes are all that may stand beside the folders.
            if (folder.Length > 0 || file.Declarations.Count > 0)
            {
                yield return new(file.Path, 1, $"'{folder}' has no place in the order of the folders");
            }

            continue;
        }

        // Behind a dot stands a member, except where a namespace stands before the dot. The names in an enum are nobody's type either.
        var code = Regex.Replace(file.Code, @"(?<=\benum\s+\w+[^{;]*)\{[^}]*\}", body => new string(' ', body.Length));
        foreach (Match match in Regex.Matches(code, @"(?<![\w.])\w+|(?<=\b(Interop|SharedMemory)\.)\w+"))
        {
            var folders = homes[match.Value].Distinct(StringComparer.Ordinal).ToArray();
            if (folders.Length > 0 && !folders.Intersect([folder, .. lower], StringComparer.Ordinal).Any())
            {
                yield return file.At(match.Index, $"{folder} uses {match.Value} of {string.Join(" and ", folders)}");
            }
        }
    }
}

static IEnumerable<Finding> ToolUsesPublicApi(Tree tree)
{
    foreach (var file in tree.Sources.Where(file => file.Path.StartsWith("src/Posix.SharedMemory.Tool/", StringComparison.Ordinal)))
    {
        foreach (Match match in Regex.Matches(file.Code, @"\b(Interop|InternalsVisibleTo|IgnoresAccessChecksTo)\b"))
        {
            yield return file.At(match.Index, $"the tool names {match.Value}");
        }
    }

    foreach (var project in tree.Files.Where(file => Regex.IsMatch(file.Path, @"^src/.*\.csproj$")))
    {
        foreach (Match match in Regex.Matches(project.Text, "InternalsVisibleTo Include=\"([^\"]*)\""))
        {
            var friend = match.Groups[1].Value;
            if (tree.Files.Any(file => file.Path == $"src/{friend}/{friend}.csproj"))
            {
                yield return project.At(match.Index, $"shows its internals to the package {friend}");
            }
        }
    }
}

// Outside Interop/, two things are asked for:
// 1. Every `unsafe` with a body (member, type or block) has a SAFETY comment in that body; without one it is unneeded or unexplained.
//    A member that takes or returns pointers may do so without: it hands on what its caller has a reason for.
// 2. Every act that makes an address, or trusts one, has a SAFETY comment above it, which ends within three lines, none blank. Acts are
//    fixed (…) · & of a variable · (T*) of what a DangerousGet… returns · p->x · *p behind ref, return, =, =>, a bracket or the
//    end of a statement · Unsafe.X(…) but SizeOf · MemoryMarshal.CreateSpan, CreateReadOnlySpan, GetReference.
//    Pointer arithmetic, and a cast of one pointer to another, only pass an address on.
static IEnumerable<Finding> UnsafeActsHaveReasons(Tree tree)
{
    var act = new Regex(
        @"\bfixed\s*\(|(?<=[(,=]\s*)&\s*\w|\(\s*\w+\s*\*+\s*\)\s*[\w.]*\bDangerousGet\w+\(|->"
        + @"|(?<=(\bref|\breturn|=>?|[({;}])\s*)\*+\s*[\w(]"
        + @"|\bUnsafe\s*\.\s*(?!SizeOf\b)\w+|\bMemoryMarshal\s*\.\s*(CreateSpan|CreateReadOnlySpan|GetReference)\b");
    foreach (var file in tree.Sources.Where(file => !file.Path.Contains("/Interop/", StringComparison.Ordinal)))
    {
        foreach (Match match in Regex.Matches(file.Code, @"\bunsafe\b"))
        {
            if (file.BodyAfter(match.Index) is { } body && !file.Code[match.Index..body.Start].Contains('*', StringComparison.Ordinal)
                && !file.Comments[body].Contains("// SAFETY:", StringComparison.Ordinal))
            {
                yield return file.At(match.Index, "unsafe, and no SAFETY comment inside: is it needed?");
            }
        }

        foreach (Match match in act.Matches(file.Code))
        {
            if (!file.HasCommentAbove(match.Index, "// SAFETY:", lines: 3))
            {
                yield return file.At(match.Index, $"'{match.Value.Trim()}' without a SAFETY comment above");
            }
        }
    }
}

// `// SYNC label: text`. Either the label occurs again, at the partner, or the text says with what it "pairs with".
static IEnumerable<Finding> SyncLabelsComeInPairs(Tree tree)
{
    var found = (
        from file in tree.Sources
        from Match match in Regex.Matches(file.Comments, @"//\s*SYNC\b[ ]?(?<label>[a-z0-9.-]*)(?<colon>:?)")
        select (File: file, match.Index, Label: match.Groups["label"].Value, IsWhole: match.Groups["colon"].Length > 0)).ToArray();
    foreach (var (file, index, label, isWhole) in found)
    {
        if (label.Length == 0 || !isWhole)
        {
            yield return file.At(index, "SYNC comments read '// SYNC label: text'");
        }
        else if (found.Count(other => other.Label == label) < 2 && !file.CommentAt(index).Contains("pairs with", StringComparison.Ordinal))
        {
            yield return file.At(index, $"SYNC {label} occurs once, and does not say what it pairs with");
        }
    }
}

// A rule is a list item of docs/spec, `- **names.slash** text`; a claim is [Rule("names.slash")] on a test.
static IEnumerable<Finding> RulesAreClaimed(Tree tree)
{
    var rules = (
        from file in tree.Files
        where Regex.IsMatch(file.Path, @"^docs/spec/.+\.md$")
        from Match match in Regex.Matches(file.Text, @"^[ ]*[-*] \*\*(?<id>[\w-]+(\.[\w-]+)+)\*\*", RegexOptions.Multiline)
        select (Id: match.Groups["id"].Value, File: file, match.Index)).ToArray();
    var claims = (
        from file in tree.Files
        where Regex.IsMatch(file.Path, @"^tests/.*\.cs$")
        from Match match in Regex.Matches(file.CodeAndStrings, @"(?<=\[[^\]\n]*)\bRule\(\s*""(?<id>[^""]*)""")
        select (Id: match.Groups["id"].Value, File: file, match.Index)).ToArray();
    if (rules.Length == 0)
    {
        yield return new("docs/spec", 1, "holds no rule");
    }

    var claimed = claims.Select(claim => claim.Id).ToHashSet(StringComparer.Ordinal);
    var known = new HashSet<string>(StringComparer.Ordinal);
    foreach (var (id, file, index) in rules)
    {
        if (!known.Add(id))
        {
            yield return file.At(index, $"the rule {id} is there twice");
        }
        else if (!claimed.Contains(id))
        {
            yield return file.At(index, $"no test claims {id}");
        }
    }

    foreach (var (id, file, index) in claims.Where(claim => !known.Contains(claim.Id)))
    {
        yield return file.At(index, $"claims {id}, which is no rule");
    }
}

static IEnumerable<Finding> FilesAreShort(Tree tree)
{
    const int Most = 375;
    return from file in tree.Sources
           let lines = file.Text.AsSpan().Count('\n')
           where lines > Most
           select new Finding(file.Path, lines, $"{lines} lines, more than {Most}", IsWarning: true);
}

// An empty block is allowed for one named exception, with a comment in it that says why nothing is to be done.
static IEnumerable<Finding> NoEmptyCatch(Tree tree) =>
    from file in tree.Sources
    from Match match in Regex.Matches(file.Code, @"\bcatch\b\s*(\(\s*(?<type>[\w.]+)[^)]*\))?\s*(when\s*\([^{]*\)\s*)?\{(?<block>\s*)\}")
    let block = match.Groups["block"]
    where match.Groups["type"].Value is "" or "Exception" or "System.Exception"
        || string.IsNullOrWhiteSpace(file.Comments.Substring(block.Index, block.Length))
    select file.At(match.Index, "an exception is swallowed");

static IEnumerable<Finding> NoDeferredWork(Tree tree) =>
    from file in tree.Files
    where file.IsCSharp
    from Match match in Regex.Matches(file.Comments, @"\b(TODO|FIXME|HACK|XXX)\b")
    select file.At(match.Index, match.Value);

static IEnumerable<Finding> NoRegions(Tree tree) =>
    from file in tree.Files
    where file.IsCSharp
    from Match match in Regex.Matches(file.Code, @"^\s*#\s*region\b", RegexOptions.Multiline)
    select file.At(match.Index + match.Length - 1, "#region");

static IEnumerable<Finding> NoFolderWithoutConcept(Tree tree) =>
    from file in tree.Files
    from folder in file.Path.Split('/')[..^1]
    where Regex.IsMatch(folder, "^(Common|Utils?|Utilities|Helpers?|Abstractions)$", RegexOptions.IgnoreCase)
    select new Finding(file.Path, 1, $"the folder {folder} names no concept");

static IEnumerable<Finding> OnePublicNamespace(Tree tree)
{
    var places =
        from file in tree.Sources
        where file.Declarations.Any(type => type is { IsPublic: true, IsTopLevel: true })
        let declared = Regex.Match(file.Code, @"^\s*namespace\s+(?<name>[\w.]+)", RegexOptions.Multiline)
        select (Package: file.Path.Split('/')[1], Namespace: declared.Groups["name"].Value, File: file, declared.Index);
    foreach (var package in places.GroupBy(place => place.Package, StringComparer.Ordinal))
    {
        var first = package.GroupBy(place => place.Namespace, StringComparer.Ordinal).MaxBy(group => group.Count())!.Key;
        foreach (var (_, name, file, index) in package.Where(place => place.Namespace != first))
        {
            yield return file.At(index, $"public types in '{name}', while {package.Key} has them in '{first}'");
        }
    }
}

// The first type gives the name; a part of it is Type.Aspect.cs. Files without a type (assembly attributes, a program) are free.
static IEnumerable<Finding> FilesAreCalledLikeTheirTypes(Tree tree)
{
    foreach (var file in tree.Sources.Where(file => file.Declarations.Any(type => type.IsTopLevel)))
    {
        var type = file.Declarations.First(type => type.IsTopLevel);
        var words = Path.GetFileNameWithoutExtension(file.Path).Split('.', 2);
        if (words[0] != type.Name && words[0] != "Program")
        {
            yield return file.At(type.Index, $"{type.Name} stands in a file called {words[0]}");
        }
        else if (words.Length == 2 && !type.IsPartial)
        {
            yield return file.At(type.Index, $"{Path.GetFileName(file.Path)} looks like a part of {type.Name}, which is not partial");
        }
    }
}

// Paths that mean something everywhere (/dev/shm, /proc, /sys, /tmp for an example's file) are fine.
static IEnumerable<Finding> NoMachinePaths(Tree tree) =>
    from file in tree.Files
    from Match match in Regex.Matches(
        file.Text, @"(?<![\w.~})-])/(home|work|root|Users|mnt)/[\w.-]+|/tmp/(wt|bash_jobs)\b|\b[A-Z]:\\Users\\")
    select file.At(match.Index, $"{match.Value} is a path of one machine");

/// <summary>Something to mend, or, as a warning, to look at.</summary>
internal sealed record Finding(string Path, int Line, string What, bool IsWarning = false);

/// <summary>A type's declaration in a source file.</summary>
internal sealed record Declaration(string Name, int Index, bool IsPublic, bool IsPartial, bool IsTopLevel);

/// <summary>The text files of a repository: those git tracks or would track.</summary>
internal sealed record Tree(string Root, IReadOnlyList<SourceFile> Files)
{
    /// <summary>The C# files of the packages.</summary>
    public IEnumerable<SourceFile> Sources => Files.Where(file => file.IsCSharp && file.Path.StartsWith("src/", StringComparison.Ordinal));

    public static Tree Load(string root)
    {
        var paths = PathsFromGit(root) ?? Directory.EnumerateFiles(root, "*", SearchOption.AllDirectories)
            .Select(path => Path.GetRelativePath(root, path))
            .Where(path => !path.Split('/').Any(word => word is "bin" or "obj" or ".git"));
        return new(root, [.. paths
            .Where(path => File.Exists(Path.Combine(root, path)))
            .Select(path => new SourceFile(path, File.ReadAllText(Path.Combine(root, path))))
            .Where(file => !file.Text.Contains('\0'))]);
    }

    // A directory that is not the top of a repository of its own is read as it lies.
    private static string[]? PathsFromGit(string root)
    {
        if (!Path.Exists(Path.Combine(root, ".git")))
        {
            return null;
        }

        string[] arguments = ["-C", root, "ls-files", "-z", "--cached", "--others", "--exclude-standard"];
        using var git = Process.Start(new ProcessStartInfo("git", arguments)
        {
            UseShellExecute = false,
            RedirectStandardOutput = true,
        })!;
        var output = git.StandardOutput.ReadToEnd();
        git.WaitForExit();
        return git.ExitCode == 0
            ? [.. output.Split('\0', StringSplitOptions.RemoveEmptyEntries).Distinct(StringComparer.Ordinal)]
            : throw new InvalidOperationException($"git ls-files ended with {git.ExitCode}.");
    }
}

/// <summary>A file, and for C# three views of it: what a view leaves out is blank, so that an index means the same place in all.</summary>
internal sealed class SourceFile
{
    private static readonly Regex s_declaration = new(
        @"^[ \t]*(?:\[[^\]\n]*\]\s*)*"
        + @"(?<modifiers>(?:(?:public|internal|private|protected|file|static|sealed|abstract|partial|readonly|ref|unsafe|new)\s+)*)"
        + @"(?:(?:class|struct|enum|interface|record(?:\s+(?:class|struct))?)|delegate\s+[^\s(]+)\s+(?<name>\w+)",
        RegexOptions.Multiline);

    public SourceFile(string path, string text)
    {
        (Path, Text) = (path, text);
        (Code, Comments, CodeAndStrings, Declarations) = ("", "", "", []);
        if (IsCSharp)
        {
            (Code, Comments, CodeAndStrings) = new Splitter(text).Split();
            Declarations = [.. FindDeclarations()];
        }
    }

    public string Path { get; }

    public string Text { get; }

    /// <summary>Without comments and the text of strings; what stands in the holes of an interpolated string is code.</summary>
    public string Code { get; }

    public string Comments { get; }

    public string CodeAndStrings { get; }

    public IReadOnlyList<Declaration> Declarations { get; }

    public bool IsCSharp => Path.EndsWith(".cs", StringComparison.Ordinal);

    public Finding At(int index, string what) => new(Path, LineOf(index), what);

    /// <summary>The comment that starts at an index, to its last line or to the next label.</summary>
    public string CommentAt(int index)
    {
        var lines = Text[index..].Split('\n');
        var rest = lines.Skip(1).TakeWhile(line => IsComment(line) && !line.Contains("// SYNC", StringComparison.Ordinal));
        return string.Join('\n', [lines[0], .. rest]);
    }

    /// <summary>Whether a comment with this text stands on the line, or ends at most so many lines above it, none of them blank.</summary>
    public bool HasCommentAbove(int index, string text, int lines)
    {
        var all = Text.Split('\n');
        var here = LineOf(index) - 1;
        var first = here;
        while (first > 0
            && !string.IsNullOrWhiteSpace(all[first - 1])
            && (here - first < lines || (IsComment(all[first]) && IsComment(all[first - 1]))))
        {
            first--;
        }

        return all[first..(here + 1)].Any(line => line.Contains(text, StringComparison.Ordinal));
    }

    /// <summary>The body of the member, type or block whose modifier stands at an index, if it has one.</summary>
    public Range? BodyAfter(int index)
    {
        var depth = 0;
        var start = -1;
        for (var i = index; i < Code.Length; i++)
        {
            switch (Code[i])
            {
                case '(' or '[':
                    depth++;
                    break;
                case ')' or ']':
                    depth--;
                    break;
                case '=' when depth == 0 && start < 0 && i + 1 < Code.Length && Code[i + 1] == '>':
                    start = i;
                    break;
                case '{':
                    start = start < 0 ? i : start;
                    depth++;
                    break;
                case '}' when --depth == 0 && Code[start] == '{':
                    return start..i;
                case ';' when depth == 0:
                    return start < 0 ? null : start..i;
            }
        }

        return null;
    }

    private IEnumerable<Declaration> FindDeclarations()
    {
        var isInBlock = Regex.IsMatch(Code, @"^\s*namespace\s+[\w.]+\s*\{", RegexOptions.Multiline);
        foreach (Match match in s_declaration.Matches(Code))
        {
            var name = match.Groups["name"];
            var modifiers = match.Groups["modifiers"].Value;
            var depth = Code.AsSpan(0, name.Index).Count('{') - Code.AsSpan(0, name.Index).Count('}');
            yield return new(
                name.Value,
                name.Index,
                IsPublic: modifiers.Contains("public", StringComparison.Ordinal),
                IsPartial: modifiers.Contains("partial", StringComparison.Ordinal),
                IsTopLevel: depth == (isInBlock ? 1 : 0));
        }
    }

    private int LineOf(int index) => Text.AsSpan(0, index).Count('\n') + 1;

    private static bool IsComment(string line) => line.TrimStart().StartsWith("//", StringComparison.Ordinal);
}

/// <summary>Tells comments, strings and code of C# apart.</summary>
internal sealed class Splitter(string text)
{
    private readonly StringBuilder _code = Blank(text);
    private readonly StringBuilder _comments = Blank(text);
    private readonly StringBuilder _codeAndStrings = Blank(text);
    private int _at;

    public (string Code, string Comments, string CodeAndStrings) Split()
    {
        while (_at < text.Length)
        {
            TakeCode(closing: 0);
            // A closing brace without an opening one: no C#, but no reason to stop.
            _at++;
        }

        return (_code.ToString(), _comments.ToString(), _codeAndStrings.ToString());
    }

    private static StringBuilder Blank(string text)
    {
        var blank = new StringBuilder(text);
        for (var i = 0; i < blank.Length; i++)
        {
            blank[i] = text[i] == '\n' ? '\n' : ' ';
        }

        return blank;
    }

    /// <summary>Takes code up to the end, or, in a hole of an interpolated string, up to its closing braces.</summary>
    private void TakeCode(int closing)
    {
        var depth = 0;
        while (_at < text.Length)
        {
            var rest = text.AsSpan(_at);
            if (rest.StartsWith("//"))
            {
                Take(_comments, LengthTo(rest, "\n", after: 0));
            }
            else if (rest.StartsWith("/*"))
            {
                Take(_comments, LengthTo(rest, "*/", after: 2));
            }
            else if (StringStart(rest) is { Length: > 0 } start)
            {
                TakeString(start);
            }
            else if (rest[0] == '\'')
            {
                Take(_codeAndStrings, rest[1] == '\\' ? 3 + rest[3..].IndexOf('\'') : 3);
            }
            else if (closing > 0 && depth == 0 && rest[0] == '}')
            {
                return;
            }
            else
            {
                depth += rest[0] switch { '{' => 1, '}' => -1, _ => 0 };
                _code[_at] = rest[0];
                Take(_codeAndStrings, 1);
            }
        }
    }

    private void TakeString(string start)
    {
        var quotes = start.Count(c => c == '"');
        var holes = start.Count(c => c == '$');
        var isVerbatim = start.Contains('@', StringComparison.Ordinal);
        var end = quotes >= 3 ? new string('"', quotes) : "\"";
        Take(_codeAndStrings, start.Length);
        while (_at < text.Length)
        {
            var rest = text.AsSpan(_at);
            var isEscaped = isVerbatim ? rest.StartsWith("\"\"") : rest[0] == '\\';
            var isDoubledBrace = holes > 0 && (rest.StartsWith("{{") || rest.StartsWith("}}"));
            if (quotes < 3 && (isEscaped || isDoubledBrace))
            {
                Take(_codeAndStrings, 2);
            }
            else if (rest.StartsWith(end))
            {
                Take(_codeAndStrings, end.Length);
                return;
            }
            else if (holes > 0 && rest.StartsWith(new string('{', holes)))
            {
                Take(_codeAndStrings, holes);
                TakeCode(holes);
                Take(_codeAndStrings, holes);
            }
            else
            {
                Take(_codeAndStrings, 1);
            }
        }
    }

    private static string StringStart(ReadOnlySpan<char> rest)
    {
        var prefix = rest.IndexOfAnyExcept('$', '@');
        if (prefix < 0 || rest[prefix] != '"')
        {
            return "";
        }

        var quotes = rest[prefix..].IndexOfAnyExcept('"');
        quotes = quotes < 0 ? rest.Length - prefix : quotes;
        return rest[..(prefix + (quotes >= 3 && !rest[..prefix].Contains('@') ? quotes : 1))].ToString();
    }

    private static int LengthTo(ReadOnlySpan<char> rest, string end, int after) =>
        rest.IndexOf(end) is var found && found < 0 ? rest.Length : found + after;

    private void Take(StringBuilder view, int length)
    {
        for (var end = Math.Min(text.Length, _at + length); _at < end; _at++)
        {
            view[_at] = text[_at];
        }
    }
}
