namespace Guards;

/// <summary>Plants a violation of each promise in a small repository: a check that finds nothing there would find nothing anywhere.</summary>
internal static class SelfTest
{
    private static readonly PackageTable s_table = new("P")
    {
        PublicNamespaces = ["P"],
        Leaf = "Words",
        Rooms = new(StringComparer.Ordinal) { ["Words"] = [], ["Interop"] = [], ["Low"] = ["Interop"], ["High"] = ["Low", "Interop"] },
        LongClasses = new(StringComparer.Ordinal) { ["Grown"] = 400 },
        Way = new(["Top.Open"], "Linux", MostFiles: 2, MostLines: 8, MostReturns: 0),
    };

    // What is well-formed, and no check may complain of.
    private static readonly Dictionary<string, string> s_sound = new(StringComparer.Ordinal)
    {
        ["src/P/P.csproj"] = "<Project />",
        ["ARCHITECTURE.md"] = "```\nsrc/P/ a package\n  Words/ Interop/  Low/\n  High/ the top\ntests/\n  P.Tests   its tests\n```\n",
        ["tests/P.Tests/P.Tests.csproj"] = "<Project />",
        ["docs/spec/p/rules.md"] = "- **a.b** A rule.\n",
        ["tests/P.Tests/Tests.cs"] = "class Tests { [Rule(\"a.b\")] void Test() { } }\n",
        ["src/P/Words/Word.cs"] = "namespace P;\npublic sealed class Word { }\n",
        ["src/P/Interop/Libc.cs"] = "namespace P.Interop;\ninternal static class Libc { internal static int open() => 0; }\n",
        ["src/P/Low/Names.cs"] = "namespace P;\ninternal abstract class Names { internal abstract int Open(); }\n",
        ["src/P/Low/LinuxNames.cs"] = "namespace P;\ninternal sealed class LinuxNames : Names { internal override int Open() => 0; }\n",
        ["src/P/High/Top.cs"] = "namespace P;\ninternal static class Top\n{\n    internal static int Open(Names names, Word word) => names.Open();\n}\n",
        ["src/P/High/Grown.cs"] = $"namespace P;\ninternal static class Grown\n{{\n{new string('\n', 380)}}}\n",
    };

    private static readonly (string Promise, string Path, string Text, string Finding)[] s_planted =
    [
        ("Each package has a table", "src/Q/Q.csproj", "<Project />", "has no table"),
        ("A package depends on what its table names", "src/P/P.csproj", "<Project><PackageReference Include=\"Other\" /></Project>", "to Other"),
        ("ARCHITECTURE.md names each folder", "src/P/Other/Thing.cs", "namespace P;\nclass Thing { }", "name Other/ of P"),
        ("ARCHITECTURE.md names each folder", "tests/Q.Tests/Q.Tests.csproj", "<Project />", "name tests/Q.Tests"),
        ("C functions are imported under Interop/ only", "src/P/Low/Names.cs", "class Names { [LibraryImport(\"c\")] static extern void f(); }", "LibraryImport outside"),
        ("No arrow between folders points upward", "src/P/Low/Names.cs", "namespace P;\nclass Names { void F() => Top.Open(null!, null!); }", "Low uses Top of High"),
        ("No arrow between folders points upward", "src/P/Low/Names.cs", "namespace P;\nclass Names { object F(dynamic d) { var top = Make(); return top.Word; } Held Make() => null!; }\n", "Low uses Held of High"),
        ("No arrow between folders points upward", "src/P/Other/Thing.cs", "namespace P;\nclass Thing { }", "'Other' has no place"),
        ("No delegate or interface carries a call upward", "src/P/High/Top.cs", "namespace P;\nclass Top { static int Open() { Callee.Run(() => { }); return 0; } }", "Callee.Run carries"),
        ("A class is short over all its parts", "src/P/High/Top.cs", $"class Top\n{{\n{new string('\n', 400)}}}", "Top has 40"),
        ("A class is short over all its parts", "src/P/High/Grown.cs", "class Grown { }", "Grown is shorter"),
        ("The way of a byte is short", "src/P/High/Top.cs", $"namespace P;\nclass Top\n{{\n    static int Open(Names names)\n    {{\n{new string('\n', 9)}        return names.Open();\n    }}\n}}\n", "2 files"),
        ("The way of a byte is short", "src/P/High/Top.cs", "class Top { }", "not found: Top.Open"),
        ("Each unsafe act has its SAFETY sentence", "src/P/High/Top.cs", "class Top\n{\n    static int Open()\n    {\n        int x = 0;\n\n        unsafe { return *&x; }\n    }\n}", "without a SAFETY"),
        ("Each unsafe act has its SAFETY sentence", "src/P/High/Top.cs", "class Top { static unsafe int Open() => 0; }", "is it needed?"),
        ("Each SYNC label names its pair", "src/P/High/Top.cs", "class Top\n{\n    // SYNC a.b: alone.\n    static int Open() => 0;\n}", "occurs once"),
        ("Each SYNC label names its pair", "src/P/High/Top.cs", "class Top\n{\n    // SYNC a.b: pairs with Top.Gone. It is not.\n    static int Open() => 0;\n}", "Top.Gone, which is not there"),
        ("The models and the code have the same SYNC labels", "tests/models/p.pml", "byte a; /* SYNC call.run */ a = 1; /* call.gone */", "the model's label call.gone"),
        ("The models and the code have the same SYNC labels", "tests/models/p.pml", "byte a; /* SYNC call.run, as in other.pml. */ a = 1;", "SYNC call.end does not stand"),
        ("Each rule of the specification is claimed by a test", "docs/spec/p/rules.md", "- **a.b** A rule.\n- **a.c** Another.\n", "no test claims a.c"),
        ("Each rule of the specification is claimed by a test", "tests/P.Tests/Tests.cs", "class Tests { [Rule(\"a.b\")] void A() { } [Rule(\"a.d\")] void B() { } }", "claims a.d"),
        ("No failure is swallowed", "src/P/High/Top.cs", "class Top { static int Open() { try { } catch (System.Exception) { } return 0; } }", "swallowed"),
        ("Public types are in the package's namespaces", "src/P/High/Top.cs", "namespace Elsewhere;\npublic class Top { static int Open() => 0; }", "'Elsewhere'"),
        ("A file is named like its type", "src/P/High/Top.cs", "class Bottom { }\nclass Top { static int Open() => 0; }", "Bottom is declared"),
        ("No note to do something later", "src/P/High/Top.cs", "// TODO\nclass Top { static int Open() => 0; }", "TODO"),
        ("No regions", "src/P/High/Top.cs", "#region A\nclass Top { static int Open() => 0; }\n#endregion", "#region"),
        ("No folder without a concept", "src/P/High/Helpers/Top.cs", "class Top { static int Open() => 0; }", "Helpers"),
        ("No path of a certain machine", "src/P/High/Top.cs", "// See /home/somebody/notes.\nclass Top { static int Open() => 0; }", "/home/somebody"),
        ("Links lead somewhere", "README.md", "[a](docs/none.md)\n", "docs/none.md is not"),
        ("Links lead somewhere", "README.md", "# One\n[a](#two) [b](docs/spec/p/rules.md)\n", "no heading #two"),
        ("Plain English", "tests/Posix.SharedMemory.Abi.Tests/Tests.cs", "class Tests { [Fact] void Says_what_is_no_size() { } [Rule(\"a.b\")] void A() { } }\n", "is no size"),
        ("Plain English", "tests/P.Tests/Tests.cs", "class Tests { [Fact] void What_is_left_is_removed() { } [Rule(\"a.b\")] void A() { } }\n", "name the subject"),
        ("Plain English", "README.md", "This is no size. A page behind the end.\n", "is no size"),
        ("Plain English", "README.md", "A page behind the end.\n", "behind the end"),
        ("Plain English", "tools/tool.cs", "var text = $\"Who has it open keeps it, {1}.\";\n", "Who has"),
    ];

    // What planted calls lead to, and a model with its code.
    private static readonly Dictionary<string, string> s_beside = new(StringComparer.Ordinal)
    {
        ["src/P/Low/Callee.cs"] = "namespace P;\ninternal static class Callee\n{\n    // SYNC call.run: pairs with the next.\n    // SYNC call.end: pairs with the one before.\n    internal static void Run(System.Action act) => act();\n}\n",
        ["tests/models/p.pml"] = "byte a; /* SYNC call.run */ a = 1; /* call.end, as in other.pml. */ a = 0;\n",
        ["src/P/High/Held.cs"] = "namespace P;\ninternal sealed class Held { internal Word Word => null!; }\n",
    };

    internal static int Run()
    {
        var wrong = new List<string>();
        foreach (var (promise, finding) in Judge([]).Where(found => found.Finding.What.Length > 0))
        {
            wrong.Add($"found where nothing is planted: {promise}: {finding.Path}:{finding.Line}: {finding.What}");
        }

        foreach (var (promise, path, text, expected) in s_planted)
        {
            var found = Judge(new(StringComparer.Ordinal) { [path] = text }).Where(found => found.Promise == promise).Select(found => found.Finding.What).ToArray();
            if (!found.Any(what => what.Contains(expected, StringComparison.Ordinal)))
            {
                wrong.Add($"not found: {promise}: '{expected}' in {path}; found was {(found is [] ? "nothing" : string.Join(", ", found))}");
            }
        }

        foreach (var promise in Promises.All.Select(check => check.Promise).Where(promise => !Array.Exists(s_planted, planted => planted.Promise == promise)))
        {
            wrong.Add($"nothing is planted for '{promise}'");
        }

        wrong.ForEach(Console.WriteLine);
        Console.WriteLine($"guards: {s_planted.Length} violations planted, {wrong.Count} wrong");
        return wrong.Count == 0 ? 0 : 1;
    }

    private static IEnumerable<(string Promise, Finding Finding)> Judge(Dictionary<string, string> planted)
    {
        var files = s_sound.Concat(s_beside).Where(file => !planted.ContainsKey(file.Key)).Concat(planted).Select(file => new SourceFile(file.Key, file.Value));
        var repository = new Repository(files, [s_table]);
        return from check in Promises.All from finding in check.Check(repository) select (check.Promise, finding);
    }
}
