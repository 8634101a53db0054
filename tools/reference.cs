#:project ../src/Posix.SharedMemory/Posix.SharedMemory.csproj
#:project ../src/Posix.SharedMemory.Threading/Posix.SharedMemory.Threading.csproj
#:project ../src/Posix.SharedMemory.Channels/Posix.SharedMemory.Channels.csproj
#:project ../src/Posix.SharedMemory.AspNetCore/Posix.SharedMemory.AspNetCore.csproj
#:project ../src/Posix.SharedMemory.Bridge/Posix.SharedMemory.Bridge.csproj
#:project ../src/Posix.SharedMemory.Bridge.Nats/Posix.SharedMemory.Bridge.Nats.csproj
#:project ../src/Posix.SharedMemory.Bridge.Hosting/Posix.SharedMemory.Bridge.Hosting.csproj
#:package Microsoft.CodeAnalysis.CSharp@5.12.0
#:package Microsoft.CodeAnalysis.Analyzers@5.12.0
#:package Microsoft.Extensions.Logging.Abstractions@6.0.4
#:property ManagePackageVersionsCentrally=false
#:property PublishAot=false
#:property IsSample=true
#:property RunAnalyzers=false
#:property TieredPGO=false
// Writes the pages of docs/reference from the doc comments, with the samples in which each member is used:
// dotnet run tools/reference.cs -- check|update|missing
//
// `update` writes the pages. `check` fails where they are stale, where a link leads nowhere, where a public member has no doc comment, or where
// it has no example within reach: code in its own comments, or else a sample, the command or a test that uses it. The compiler tells what a file
// uses, and judges the code in comments. `missing` lists the members that only tests show.
using System.Globalization;
using System.Net;
using System.Text;
using System.Text.RegularExpressions;
using System.Xml.Linq;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp;
using Microsoft.CodeAnalysis.CSharp.Syntax;

// A package is a line here and a `#:project` line above. Its folders have their titles in the order in which a reader meets them.
Package[] packages =
[
    new("Posix.SharedMemory",
    [
        ("Objects", "Objects and their names"), ("Mapping", "Mappings"), ("Regions", "File-backed regions"), ("Passing", "Passing to other processes"),
        ("Inspection", "Inspection: what exists on this machine, and who uses it"), ("Vocabulary", "Vocabulary: errors, names, ranges, states"),
    ]),
    new("Posix.SharedMemory.Threading",
    [
        ("Roster", "Rosters: which processes take part, and which have ended"), ("Locks", "Locks with an owner"), ("Signals", "Semaphores, events and other signals"), ("Waiting", "What can be waited for"),
        ("Named", "Locks and signals by name"), ("Posix", "Locks of the C library"), ("Inspection", "Inspection: locks as tools see them"),
    ]),
    new("Posix.SharedMemory.Channels",
    [
        ("Rings", "Messages from one sender to one receiver"), ("Connections", "Connections between two processes"), ("Calls", "Calls over connections"), ("Broadcast", "Messages from one sender to many receivers"), ("FanIn", "Messages from many senders"), ("Frames", "Big messages that are read where they are"), ("Ends", "Messages written in place"), ("Latest", "The latest value"), ("Endpoints", "Endpoints, and what happens when one ends"),
        ("Taps", "Taps: reading along"), ("Status", "Status"), ("Layout", "States and kinds"),
    ]),
    new("Posix.SharedMemory.AspNetCore",
    [
        ("Listening", "Servers that listen through shared memory"), ("Clients", "Clients of HTTP"), ("Transport", "The other process"),
    ]),
    new("Posix.SharedMemory.Bridge",
    [
        ("Bridging", "Bridges"), ("Settings", "What is carried, and how"), ("Reports", "Losses and counts"), ("Backends", "Engines"),
    ], AllHaveExamples: false),
    new("Posix.SharedMemory.Bridge.Nats", [("Engine", "NATS as the engine")], AllHaveExamples: false),
    new("Posix.SharedMemory.Bridge.Hosting", [("Services", "Bridges as services of a host")], AllHaveExamples: false),
];

if (args is not [("check" or "update" or "missing") and var act])
{
    Console.Error.WriteLine("Usage: dotnet run tools/reference.cs -- check|update|missing");
    return 2;
}

var root = Environment.CurrentDirectory;
while (!Directory.EnumerateFiles(root, "*.slnx").Any())
{
    root = Path.GetDirectoryName(root) ?? throw new InvalidOperationException("Not inside the repository.");
}

var findings = new List<string>();
var library = new Library(root, packages, findings);
var usage = new Usage(root, library, findings);
var pages = new Pages(library, usage, findings).Write();
library.CheckExamples(usage);

if (act == "missing")
{
    foreach (var member in library.Types.SelectMany(type => library.MembersOf(type)).Where(member => usage.Of(member).All(path => path.StartsWith("tests/", StringComparison.Ordinal))))
    {
        Console.WriteLine($"{member.ContainingType.Name}.{member.Name}: {string.Join(", ", usage.Of(member))}");
    }

    return 0;
}

var folder = Path.Combine(root, "docs/reference");
var present = Directory.Exists(folder) ? Directory.GetFiles(folder).ToDictionary(path => Path.GetFileName(path), File.ReadAllText) : [];
foreach (var name in pages.Keys.Union(present.Keys).Order(StringComparer.Ordinal))
{
    var (now, before) = (pages.GetValueOrDefault(name), present.GetValueOrDefault(name));
    if (now == before)
    {
        continue;
    }

    if (act == "check")
    {
        findings.Add($"docs/reference/{name}: stale: dotnet run tools/reference.cs -- update");
    }
    else if (now is null)
    {
        File.Delete(Path.Combine(folder, name));
    }
    else
    {
        Directory.CreateDirectory(folder);
        File.WriteAllText(Path.Combine(folder, name), now);
    }
}

findings.ForEach(Console.WriteLine);
Console.WriteLine($"reference: {pages.Count - 1} types, {library.Types.Sum(type => library.MembersOf(type).Count())} members, {usage.Files} files that use them, {findings.Count} violations");
return findings.Count == 0 ? 0 : 1;

/// <summary>A package that has reference pages.</summary>
/// <param name="AllHaveExamples">Whether a type without an example is an error; otherwise <c>missing</c> lists it.</param>
internal sealed record Package(string Name, (string Folder, string Title)[] Folders, bool AllHaveExamples = true);

/// <summary>The packages as the compiler sees them, with their doc comments.</summary>
internal sealed class Library
{
    private readonly Dictionary<string, XElement> _comments;
    private readonly HashSet<IAssemblySymbol> _assemblies;
    private readonly List<string> _findings;
    private readonly string _root;

    public Library(string root, Package[] packages, List<string> findings)
    {
        (_root, Packages, _findings) = (root, packages, findings);
        string[] paths = [.. packages.Select(package => Path.Combine(AppContext.BaseDirectory, package.Name + ".dll"))];
        References = [.. ((string)AppContext.GetData("TRUSTED_PLATFORM_ASSEMBLIES")!).Split(':')
            .Where(file => Path.GetFileName(file) is "mscorlib.dll" or "netstandard.dll" || Path.GetFileName(file).StartsWith("System.", StringComparison.Ordinal)
                || Path.GetFileName(file).StartsWith("Microsoft.Win32.", StringComparison.Ordinal))
            .Where(file => !paths.Contains(file)).Select(file => MetadataReference.CreateFromFile(file))];
        // Beside the base library, for samples of ASP.NET Core.
        var web = Path.GetDirectoryName(typeof(object).Assembly.Location)!.Replace("Microsoft.NETCore.App", "Microsoft.AspNetCore.App", StringComparison.Ordinal);
        References.AddRange((Directory.Exists(web) ? Directory.GetFiles(web, "Microsoft.*.dll") : []).Select(file => MetadataReference.CreateFromFile(file)));
        var own = Array.ConvertAll(paths, path => MetadataReference.CreateFromFile(path));
        References.AddRange(own);
        // Packages that have no pages yet, but samples, and what they need.
        References.AddRange(Directory.GetFiles(AppContext.BaseDirectory, "Posix.SharedMemory.*.dll").Concat(Directory.GetFiles(AppContext.BaseDirectory, "NATS.*.dll")).Where(file => !paths.Contains(file)).Select(file => MetadataReference.CreateFromFile(file)));
        Compilation = CSharpCompilation.Create("reference", references: References, options: new(OutputKind.DynamicallyLinkedLibrary));
        var assemblies = Array.ConvertAll(own, reference => (IAssemblySymbol)Compilation.GetAssemblyOrModuleSymbol(reference)!);
        _assemblies = assemblies.ToHashSet<IAssemblySymbol>(SymbolEqualityComparer.Default);
        _comments = paths.SelectMany(path => XDocument.Load(Path.ChangeExtension(path, ".xml")).Descendants("member"))
            .ToDictionary(member => member.Attribute("name")!.Value, StringComparer.Ordinal);
        Types = [.. assemblies.SelectMany(assembly => TypesOf(assembly.GlobalNamespace).OrderBy(type => type.Name, StringComparer.Ordinal))];
        foreach (var same in Types.GroupBy(PageOf, StringComparer.Ordinal).Where(group => group.Count() > 1))
        {
            throw new InvalidOperationException($"Two types would have the page {same.Key}.");
        }

        Guides = [.. from file in Directory.GetFiles(Path.Combine(root, "docs/guide"), "*.md").Order(StringComparer.Ordinal)
                     let text = File.ReadAllText(file)
                     select (Path.GetFileName(file), text.Split('\n')[0].TrimStart('#', ' '), text)];

        // A type is in the file of its name; smaller ones are beside what they belong to.
        var sources = packages.ToDictionary(
            package => package.Name,
            package => Directory.GetFiles(Path.Combine(root, "src", package.Name), "*.cs", SearchOption.AllDirectories)
                .Where(file => !file.Contains("/obj/", StringComparison.Ordinal) && !file.Contains("/bin/", StringComparison.Ordinal)).Order(StringComparer.Ordinal).ToArray(),
            StringComparer.Ordinal);
        foreach (var type in Types)
        {
            var files = sources[type.ContainingAssembly.Name];
            var source = (type.Arity > 0 ? Array.Find(files, file => Path.GetFileName(file) == type.Name + "{T}.cs") : null) ?? Array.Find(files, file => Path.GetFileName(file) == type.Name + ".cs")
                ?? Array.Find(files, file => Regex.IsMatch(File.ReadAllText(file), $@"^public .*\b(class|struct|enum|record|interface|delegate) {type.Name}\b", RegexOptions.Multiline))
                ?? throw new InvalidOperationException($"No file declares {type.Name}.");
            SourceOf[type] = Path.GetRelativePath(root, source);
            if (!packages.Single(package => package.Name == type.ContainingAssembly.Name).Folders.Any(folder => folder.Folder == FolderOf(type)))
            {
                findings.Add($"{SourceOf[type]}: the folder {FolderOf(type)} has no title in tools/reference.cs");
            }
        }
    }

    public IReadOnlyList<Package> Packages { get; }

    public IReadOnlyList<(string Name, string Title, string Text)> Guides { get; }

    public List<MetadataReference> References { get; }

    public CSharpCompilation Compilation { get; }

    public IReadOnlyList<INamedTypeSymbol> Types { get; }

    public Dictionary<INamedTypeSymbol, string> SourceOf { get; } = new(SymbolEqualityComparer.Default);

    /// <summary>What a type offers: without what the compiler adds to records, and what only overrides without a word of its own.</summary>
    public IEnumerable<ISymbol> MembersOf(INamedTypeSymbol type) =>
        from member in type.GetMembers()
        where member.DeclaredAccessibility == Accessibility.Public && member is not INamedTypeSymbol
        where member is not IMethodSymbol { MethodKind: MethodKind.PropertyGet or MethodKind.PropertySet or MethodKind.EventAdd or MethodKind.EventRemove }
        where member is not IFieldSymbol { Name: "value__" }
        where !member.GetAttributes().Any(attribute => attribute.AttributeClass!.Name == "CompilerGeneratedAttribute")
        where !(member.IsOverride && Comment(member) is null) && Comment(member)?.Elements().All(element => element.Name == "inheritdoc") != true
        where !(member is IMethodSymbol { MethodKind: MethodKind.Constructor } constructor && (constructor.Parameters.IsEmpty || Comment(member) is null || IsRecord(type)))
        where !(member is IMethodSymbol { Name: "GetEnumerator" or "Deconstruct" })
        select member;

    /// <summary>The doc comment of a symbol; what inherits one gets it.</summary>
    public XElement? Comment(ISymbol symbol)
    {
        var comment = _comments.GetValueOrDefault(symbol.GetDocumentationCommentId()!);
        return comment?.Element("inheritdoc")?.Attribute("cref") is not { } from ? comment
            // What a member says itself stands in place of the inherited.
            : new(comment.Name, comment.Attributes(), comment.Elements().Where(own => own.Name != "inheritdoc"), _comments[from.Value].Elements().Where(other => comment.Element(other.Name) is null));
    }

    /// <summary>The file of a type's page: a generic type may have the name of one that is not.</summary>
    public static string PageOf(INamedTypeSymbol type) => type.MetadataName.Replace('`', '-') + ".md";

    /// <summary>A type as a reader writes it.</summary>
    public static string NameOf(INamedTypeSymbol type) => type.Name + (type.Arity == 0 ? "" : $"\\<{string.Join(", ", type.TypeParameters.Select(parameter => parameter.Name))}\\>");

    /// <summary>Whether a member stands in the file of its type, not in one of an aspect.</summary>
    public bool IsInMainFile(ISymbol member) => Regex.IsMatch(File.ReadAllText(Path.Combine(_root, SourceOf[member.ContainingType])), $@"^    public .*\b{Regex.Escape(member.MetadataName)}\b", RegexOptions.Multiline);

    /// <summary>Whether a type is a record: of a struct, its metadata tell it only by what the compiler adds.</summary>
    public static bool IsRecord(INamedTypeSymbol type) => type.IsRecord || type.GetMembers("op_Equality").Any(member => member.GetAttributes().Any(attribute => attribute.AttributeClass!.Name == "CompilerGeneratedAttribute"));

    public ISymbol? Find(string id) => DocumentationCommentId.GetFirstSymbolForDeclarationId(id, Compilation);

    public bool Has(ISymbol symbol) => _assemblies.Any(assembly => assembly.Name == symbol.ContainingAssembly?.Name);

    /// <summary>The folder of a type in its package. What Inspection reports is in Vocabulary, because System makes it; a reader looks for it under Inspection.</summary>
    public string FolderOf(INamedTypeSymbol type) =>
        type.ContainingNamespace.Name == "Inspection" ? "Inspection" : SourceOf[type].Split('/')[2];

    /// <summary>What values, exceptions and owners have whatever they are: equality, the constructors with a text and a cause, Dispose, which nobody calls who writes `using`.</summary>
    private static bool IsOfEveryType(ISymbol member) =>
        member is IMethodSymbol { Name: "Equals" or "Dispose" } or IMethodSymbol { MethodKind: MethodKind.UserDefinedOperator, Name: "op_Equality" or "op_Inequality" }
        || (member is IMethodSymbol { MethodKind: MethodKind.Constructor } && member.ContainingType.Name.EndsWith("Exception", StringComparison.Ordinal));

    private static IEnumerable<INamedTypeSymbol> TypesOf(INamespaceSymbol space) =>
        space.GetTypeMembers().Where(type => type.DeclaredAccessibility == Accessibility.Public).Concat(space.GetNamespaceMembers().SelectMany(TypesOf));

    /// <summary>Every type has an example in its comments or in a sample; every member at least a place that shows it.</summary>
    public void CheckExamples(Usage usage)
    {
        foreach (var type in Types.Where(type => Packages.Single(package => package.Name == type.ContainingAssembly.Name).AllHaveExamples))
        {
            if (!usage.Of(type).Any(path => path.StartsWith("samples/", StringComparison.Ordinal) || path.StartsWith('#')))
            {
                _findings.Add($"{SourceOf[type]}: {type.Name} has no <example>, and no sample uses it");
            }

            foreach (var member in MembersOf(type).Where(member => member is not IFieldSymbol && !member.IsOverride && type.Name != "Errno" && !IsOfEveryType(member)))
            {
                // A conversion has no name by which its use is found.
                if (!usage.Of(member).Any() && member is not IMethodSymbol { MethodKind: MethodKind.Conversion })
                {
                    _findings.Add($"{SourceOf[type]}: {type.Name}.{member.Name} has no <example>, and nobody uses it");
                }
            }
        }
    }
}

/// <summary>Which files use which members: samples, the examples in comments (as #Type.md), the command and the tests.</summary>
internal sealed class Usage
{
    private const string Usings = """
        global using System; global using System.Collections.Generic; global using System.IO; global using System.Linq; global using System.Net.Http;
        global using System.Threading; global using System.Threading.Tasks;
        """;

    // What the web SDK adds to a sample that names it.
    private const string WebUsings = """
        global using Microsoft.AspNetCore.Builder; global using Microsoft.AspNetCore.Hosting; global using Microsoft.AspNetCore.Http;
        global using Microsoft.Extensions.DependencyInjection; global using Microsoft.Extensions.Hosting; global using Microsoft.Extensions.Logging;
        """;

    // What the examples in comments may take as given, as members of a class: their own variables hide these.
    private const string Given = """
        global using System.Diagnostics; global using System.Net.Sockets; global using Microsoft.Win32.SafeHandles; global using static Given;
        internal static class Given
        {
            public static SharedMemoryObject memory = null!;
            public static MemoryMapping map = null!;
            public static MappedRegion region = null!;
            public static Socket socket = null!;
            public static Roster roster = null!;
            public static SharedMutex mutex = null!;
            public static string name = "", path = "";
            public static CancellationToken cancellationToken;
        }
        """;

    private static readonly CSharpParseOptions s_parse = CSharpParseOptions.Default.WithLanguageVersion(LanguageVersion.Preview).WithFeatures([new("FileBasedProgram", "true")]);
    private readonly Dictionary<string, CSharpCompilation> _programs = new(StringComparer.Ordinal);
    private readonly Dictionary<string, SortedSet<string>> _files = new(StringComparer.Ordinal);
    private readonly Library _library;
    private readonly List<string> _findings;

    public Usage(string root, Library library, List<string> findings)
    {
        (_library, _findings) = (library, findings);
        var web = CSharpSyntaxTree.ParseText(WebUsings, s_parse);
        foreach (var sample in Sources(root, "samples"))
        {
            var tree = Parse(root, sample);
            var isWeb = tree.ToString().Contains("#:sdk Microsoft.NET.Sdk.Web", StringComparison.Ordinal);
            // One that needs packages, or a project of its own, is compiled where it is run.
            var isWhole = !Regex.IsMatch(tree.ToString(), @"^#:(package|project (?!\.\./src/))", RegexOptions.Multiline);
            Read(isWhole ? "sample" : "sample with packages", OutputKind.ConsoleApplication, isWhole, isWeb ? [tree, web] : [tree]);
        }

        // Projects name these namespaces where this program does not look.
        var namespaces = string.Concat(library.Types.Select(type => type.ContainingNamespace.ToDisplayString()).Distinct(StringComparer.Ordinal).Select(space => $"global using {space}; "));
        var usings = CSharpSyntaxTree.ParseText(namespaces, s_parse);
        var given = CSharpSyntaxTree.ParseText(namespaces + Given, s_parse);
        Read("shm", OutputKind.ConsoleApplication, isWhole: false, [usings, .. Sources(root, "src/Posix.SharedMemory.Tool").Select(path => Parse(root, path))]);
        foreach (var package in library.Packages)
        {
            // Named as the tests are, which see what is internal.
            var ofTests = CSharpSyntaxTree.ParseText(namespaces + "global using Posix.SharedMemory.Testing; global using Xunit;", s_parse);
            Read(package.Name + ".Tests", OutputKind.DynamicallyLinkedLibrary, isWhole: false,
                [ofTests, .. from project in (string[])[package.Name + ".Tests", "Posix.SharedMemory.Testing", "Posix.SharedMemory.TestPeer"] where Directory.Exists(Path.Combine(root, "tests", project)) from path in Sources(root, $"tests/{project}") select Parse(root, path)]);
        }

        foreach (var type in library.Types)
        {
            foreach (var symbol in library.MembersOf(type).Prepend(type))
            {
                foreach (var code in library.Comment(symbol)?.Descendants("code") ?? [])
                {
                    Read("sample", OutputKind.ConsoleApplication, isWhole: true,
                        [CSharpSyntaxTree.ParseText(code.Value, s_parse, NameOfExample(symbol)), given, .. symbol.ContainingNamespace.Name == "AspNetCore" ? [web] : Array.Empty<SyntaxTree>()]);
                }
            }
        }
    }

    /// <summary>How many files were read.</summary>
    public int Files { get; private set; }

    /// <summary>Where an example stands: #Type.md for one of a type, #Type.md#member for one of a member.</summary>
    public static string NameOfExample(ISymbol symbol) =>
        symbol is INamedTypeSymbol type ? $"#{Library.PageOf(type)}" : $"#{Library.PageOf(symbol.ContainingType)}#{symbol.Name}";

    /// <summary>Where a member is used, the best places to learn from first.</summary>
    public IEnumerable<string> Of(ISymbol symbol) =>
        (_files.GetValueOrDefault(symbol.GetDocumentationCommentId()!) ?? []).OrderBy(path => path[0] == '#' ? 0 : path.StartsWith("samples/", StringComparison.Ordinal) ? 1 : path.StartsWith("src/", StringComparison.Ordinal) ? 2 : 3);

    private static IEnumerable<string> Sources(string root, string folder) =>
        Directory.GetFiles(Path.Combine(root, folder), "*.cs", SearchOption.AllDirectories).Select(path => Path.GetRelativePath(root, path))
            .Where(path => !path.Split('/').Any(word => word is "bin" or "obj")).Order(StringComparer.Ordinal);

    private static SyntaxTree Parse(string root, string path) => CSharpSyntaxTree.ParseText(File.ReadAllText(Path.Combine(root, path)), s_parse, path);

    /// <summary>Notes what files of one program use; a whole one has to compile.</summary>
    private void Read(string name, OutputKind kind, bool isWhole, SyntaxTree[] trees)
    {
        // Those of one name share what the compiler has read of the references.
        if (!_programs.TryGetValue(name, out var empty))
        {
            CSharpCompilationOptions options = new(kind, allowUnsafe: true, nullableContextOptions: NullableContextOptions.Enable);
            empty = _programs[name] = CSharpCompilation.Create(name, [CSharpSyntaxTree.ParseText(Usings, s_parse)], _library.References, options);
            _ = empty.GetSpecialType(SpecialType.System_Object);
        }

        var compilation = empty.AddSyntaxTrees(trees);
        if (isWhole)
        {
            _findings.AddRange(compilation.GetDiagnostics().Where(diagnostic => diagnostic.Severity == DiagnosticSeverity.Error)
                .Select(diagnostic => $"{diagnostic.Location.GetLineSpan()}: {diagnostic.Id} {diagnostic.GetMessage(CultureInfo.InvariantCulture)}"));
        }

        foreach (var tree in trees.Where(tree => tree.FilePath.Length > 0))
        {
            Files++;
            var model = compilation.GetSemanticModel(tree);
            foreach (var node in tree.GetRoot().DescendantNodes())
            {
                if (node is SimpleNameSyntax or BaseObjectCreationExpressionSyntax or ElementAccessExpressionSyntax or CastExpressionSyntax && model.GetSymbolInfo(node).Symbol is { } symbol)
                {
                    Note(symbol, tree.FilePath);
                }
            }
        }
    }

    private void Note(ISymbol symbol, string file)
    {
        symbol = ((symbol as IMethodSymbol)?.ReducedFrom ?? symbol).OriginalDefinition;
        for (var noted = symbol; noted is not null and not INamespaceSymbol; noted = noted.ContainingSymbol)
        {
            Add(noted);
        }

        // Code that gets an object of a type from a member uses the type, too.
        Add(((symbol as IMethodSymbol)?.ReturnType ?? (symbol as IPropertySymbol)?.Type)?.OriginalDefinition);

        void Add(ISymbol? used)
        {
            if (used is not null && _library.Has(used) && used.GetDocumentationCommentId() is { } id)
            {
                (_files.TryGetValue(id, out var files) ? files : _files[id] = new(StringComparer.Ordinal)).Add(file);
            }
        }
    }
}

/// <summary>The pages: an index, and one for each type.</summary>
internal sealed class Pages(Library library, Usage usage, List<string> findings)
{
    private const string Home = "https://learn.microsoft.com/dotnet/api/";

    private static readonly SymbolDisplayFormat s_signature = new(
        SymbolDisplayGlobalNamespaceStyle.Omitted,
        SymbolDisplayTypeQualificationStyle.NameOnly,
        SymbolDisplayGenericsOptions.IncludeTypeParameters | SymbolDisplayGenericsOptions.IncludeTypeConstraints,
        SymbolDisplayMemberOptions.IncludeType | SymbolDisplayMemberOptions.IncludeModifiers | SymbolDisplayMemberOptions.IncludeParameters | SymbolDisplayMemberOptions.IncludeRef
            | SymbolDisplayMemberOptions.IncludeAccessibility,
        SymbolDisplayDelegateStyle.NameAndSignature,
        SymbolDisplayExtensionMethodStyle.StaticMethod,
        SymbolDisplayParameterOptions.IncludeType | SymbolDisplayParameterOptions.IncludeName | SymbolDisplayParameterOptions.IncludeDefaultValue
            | SymbolDisplayParameterOptions.IncludeParamsRefOut | SymbolDisplayParameterOptions.IncludeExtensionThis,
        SymbolDisplayPropertyStyle.ShowReadWriteDescriptor,
        SymbolDisplayLocalOptions.None,
        SymbolDisplayKindOptions.None,
        SymbolDisplayMiscellaneousOptions.UseSpecialTypes | SymbolDisplayMiscellaneousOptions.IncludeNullableReferenceTypeModifier
            | SymbolDisplayMiscellaneousOptions.AllowDefaultLiteral);

    private INamedTypeSymbol _page = null!;

    /// <summary>Whether what is written stands in the index, and speaks of the type from outside.</summary>
    private bool _isIndex;

    public Dictionary<string, string> Write()
    {
        var pages = library.Types.ToDictionary(Library.PageOf, PageOf, StringComparer.Ordinal);
        pages.Add("README.md", Index());
        return pages;
    }

    private string Index()
    {
        _isIndex = true;
        var text = new StringBuilder("""
            # Reference

            Every public type and member, from the doc comments in the source, with its failures by error number and with programs that use it.
            `dotnet run tools/reference.cs -- update` writes these pages; CI checks that they are up to date.

            """);
        foreach (var package in library.Packages)
        {
            text.Append(library.Packages.Count > 1 ? $"\n# {package.Name}\n" : "");
            foreach (var (folder, title) in package.Folders)
            {
                var types = library.Types.Where(type => type.ContainingAssembly.Name == package.Name && library.FolderOf(type) == folder).ToArray();
                if (types.Length == 0)
                {
                    continue;
                }

                var namespaces = types.Select(type => type.ContainingNamespace.ToDisplayString()).Distinct(StringComparer.Ordinal).Order(StringComparer.Ordinal);
                text.Append($"\n## {title}\n\nNamespace {string.Join(" and ", namespaces.Select(space => $"`{space}`"))}.\n\n| | |\n|---|---|\n");
                foreach (var type in types)
                {
                    _page = type;
                    text.Append($"| [{Library.NameOf(type)}]({Library.PageOf(type)}) | {Cell(Section(type, "summary"))} |\n");
                }
            }
        }

        return text.ToString();
    }

    private string PageOf(INamedTypeSymbol type)
    {
        _page = type;
        var text = new StringBuilder($"# {Library.NameOf(type)}\n\n```csharp\n{Declaration(type)}\n```\n\nNamespace `{type.ContainingNamespace.ToDisplayString()}`, package `{type.ContainingAssembly.Name}`.\n\n");
        Paragraph(text, Section(type, "summary"));
        Paragraph(text, Section(type, "remarks"));
        Example(text, type);
        Paragraph(text, Guides(type));

        var members = library.MembersOf(type).ToArray();
        foreach (var member in members.Where(member => library.Comment(member)?.Element("summary") is null))
        {
            findings.Add($"{library.SourceOf[type]}: {type.Name}.{member.Name} has no summary");
        }

        // What one sentence says stands in a table; what fails, or takes arguments, has a section of its own.
        var simple = members.Where(member => member is IFieldSymbol or IPropertySymbol { IsIndexer: false } && !HasSection(member)).ToArray();
        var acts = members.Except(simple, SymbolEqualityComparer.Default).ToArray();
        if (type.TypeKind == TypeKind.Enum)
        {
            text.Append("## Values\n\n| | | |\n|---|---|---|\n");
            foreach (var value in simple.Cast<IFieldSymbol>())
            {
                text.Append($"| `{value.Name}` | {value.ConstantValue} | {Cell(Section(value, "summary"))} |\n");
            }

            text.Append('\n');
        }
        else if (simple.Length > 0)
        {
            text.Append("## Properties\n\n| | | |\n|---|---|---|\n");
            foreach (var member in simple.OrderBy(member => member.IsStatic))
            {
                var how = member is IPropertySymbol { SetMethod: { DeclaredAccessibility: Accessibility.Public } setter } ? setter.IsInitOnly ? " init" : " get, set" : "";
                var links = Links(member, "e.g. ", samplesOnly: true);
                text.Append($"| `{member.Name}` | `{TypeOf(member)}`{how} | {Cell(Section(member, "summary"), Section(member, "remarks"), links)} |\n");
            }

            text.Append('\n');
        }

        var sections = acts.OrderBy(OrderInLife).ThenBy(member => library.IsInMainFile(member) ? 0 : 1).GroupBy(Title, StringComparer.Ordinal).ToArray();
        if (sections.Length > 6)
        {
            Paragraph(text, string.Join(" · ", sections.Select(section => $"[{section.Key}](#{Anchor(section.First())})")));
        }

        foreach (var group in sections)
        {
            text.Append($"## {group.Key}\n\n");
            foreach (var member in group)
            {
                Act(text, member);
            }
        }

        var also = Inherited(type);
        text.Append(also.Length > 0 ? also + "\n\n" : "").Append($"Source: [{library.SourceOf[type]}](../../{library.SourceOf[type]}) · [all types](README.md)\n");
        return text.ToString();
    }

    private void Act(StringBuilder text, ISymbol member)
    {
        text.Append($"```csharp\n{Wrap(member)}\n```\n\n");
        Paragraph(text, Section(member, "summary"));
        foreach (var param in Elements(member, "param").Where(param => param.Value.Trim().Length > 0))
        {
            text.Append($"- `{param.Attribute("name")!.Value}`: {Markdown(param)}\n");
        }

        // What an enumeration inherits of a wait says what the wait returns.
        foreach (var returns in member is IMethodSymbol { ReturnType.Name: "IAsyncEnumerable" } ? [] : Elements(member, "returns"))
        {
            text.Append($"- **Returns** {Markdown(returns)}\n");
        }

        foreach (var exception in Elements(member, "exception"))
        {
            text.Append($"- **{Markdown(new XElement("see", exception.Attribute("cref")!), isBare: true)}** {Markdown(exception)}\n");
        }

        text.Append(text[^1] == '\n' && text[^2] != '\n' ? "\n" : "");
        Paragraph(text, Section(member, "remarks"));
        Example(text, member);
    }

    /// <summary>Code in the comments, and where else the thing is used: samples first, and where there are none the command or a test.</summary>
    private void Example(StringBuilder text, ISymbol symbol)
    {
        foreach (var example in Elements(symbol, "example"))
        {
            foreach (var node in example.Nodes())
            {
                Paragraph(text, node is XElement { Name.LocalName: "code" } code ? $"```csharp\n{Dedent(code.Value)}\n```" : Markdown(new XElement("p", node)));
            }
        }

        Paragraph(text, Links(symbol, "Used in: ", samplesOnly: Elements(symbol, "example").Length > 0));
    }

    private string Links(ISymbol symbol, string introduction, bool samplesOnly = false)
    {
        const int Most = 4;
        var files = usage.Of(symbol).Where(path => path != Usage.NameOfExample(symbol) || Elements(symbol, "example").Length == 0).ToArray();
        var own = files.Where(path => path[0] == '#' || path.StartsWith("samples/", StringComparison.Ordinal)).ToArray();
        var shown = own.Length > 0 || samplesOnly ? own : [.. files.Take(1)];
        if (shown.Length == 0 || symbol is IFieldSymbol or IMethodSymbol { Name: "Dispose" })
        {
            return "";
        }

        // Of many, some from the whole width: the first sample would be the only one ever read.
        var chosen = shown.Length <= Most ? shown : [.. Enumerable.Range(0, Most).Select(i => shown[i * (shown.Length - 1) / (Most - 1)])];
        return introduction + string.Join(" · ", chosen.Select(Link));
    }

    private string Link(string path) =>
        path == $"#{Library.PageOf(_page)}" ? "the example above"
        : path[0] == '#' && path.Split('#') is [_, var page, .. var member] ? $"[the example of {string.Join('.', [page[..^3], .. member])}]({page}{string.Concat(member.Select(name => "#" + (name == "this[]" ? "indexer" : name.ToLowerInvariant())))})"
        : path.StartsWith("samples/", StringComparison.Ordinal) ? $"[{Path.GetFileNameWithoutExtension(path)}](../../{path})"
        : $"[{(path.StartsWith("tests/", StringComparison.Ordinal) ? "a test" : "the command")}: {Path.GetFileNameWithoutExtension(path)}](../../{path})";

    /// <summary>The guides that speak of a type.</summary>
    private string Guides(INamedTypeSymbol type)
    {
        var guides = library.Guides.Where(guide => Regex.IsMatch(guide.Text, $@"\b{type.Name}\b")).Select(guide => $"[{guide.Title}](../guide/{guide.Name})").ToArray();
        return guides.Length == 0 ? "" : "Guides: " + string.Join(" · ", guides);
    }

    private static int OrderInLife(ISymbol member) => member switch
    {
        IMethodSymbol { MethodKind: MethodKind.Constructor } => 0,
        IMethodSymbol { IsStatic: true, MethodKind: MethodKind.Ordinary } => 1,
        IPropertySymbol => 2,
        IMethodSymbol { Name: "Dispose" } => 4,
        _ => 3,
    };

    private bool HasSection(ISymbol member) => Elements(member, "exception").Length > 0 || Elements(member, "example").Length > 0;

    private static string Title(ISymbol member) => member switch
    {
        IMethodSymbol { MethodKind: MethodKind.Constructor } => "Constructor",
        IMethodSymbol { MethodKind: MethodKind.Conversion or MethodKind.UserDefinedOperator } => "Conversions and operators",
        IPropertySymbol { IsIndexer: true } => "Indexer",
        _ => member.Name,
    };

    private string Anchor(ISymbol member) =>
        member.ContainingType.TypeKind == TypeKind.Enum ? "values"
        : member is IPropertySymbol { IsIndexer: false } or IFieldSymbol && !HasSection(member) ? "properties"
        : Title(member).ToLowerInvariant().Replace(' ', '-');

    private static string TypeOf(ISymbol member) => (member is IPropertySymbol property ? property.Type : ((IFieldSymbol)member).Type).ToDisplayString(s_signature);

    private static string Declaration(INamedTypeSymbol type)
    {
        var isRef = type.IsRefLikeType ? "ref " : "";
        var kind = type switch
        {
            { TypeKind: TypeKind.Enum } => "enum",
            { IsStatic: true } => "static class",
            { IsValueType: true } when Library.IsRecord(type) => "readonly record struct",
            { IsValueType: true } => $"{(type.IsReadOnly ? "readonly " : "")}{isRef}struct",
            { IsRecord: true } => "sealed record",
            _ => type.IsSealed ? "sealed class" : "class",
        };
        INamedTypeSymbol[] parents = type.TypeKind == TypeKind.Class && type.BaseType is { SpecialType: not SpecialType.System_Object } parent ? [parent] : [];
        INamedTypeSymbol[] all = [.. parents, .. type.Interfaces.Where(face => face.Name != "IEquatable" && face.DeclaredAccessibility == Accessibility.Public)];
        var bases = all.Where(face => !all.Any(other => other.AllInterfaces.Contains(face, SymbolEqualityComparer.Default)));
        var list = string.Join(", ", type.TypeKind == TypeKind.Enum ? [] : bases.Select(face => face.ToDisplayString(s_signature)));
        var flags = type.GetAttributes().Any(attribute => attribute.AttributeClass!.Name == "FlagsAttribute") ? "[Flags]\n" : "";
        // Of a generic type: its parameters before the list, what they must be after it.
        var name = type.ToDisplayString(s_signature).Split(" where ", 2);
        return $"{flags}public {kind} {name[0]}{(list.Length > 0 ? " : " + list : "")}{(name.Length > 1 ? " where " + name[1] : "")}";
    }

    /// <summary>A signature, a parameter a line where it is long.</summary>
    private static string Wrap(ISymbol member)
    {
        var text = member.ToDisplayString(s_signature).Replace("public readonly ", "public ", StringComparison.Ordinal);
        if (member is not IMethodSymbol { Parameters.Length: > 0 } method)
        {
            return text;
        }

        var parameters = method.Parameters.Select((parameter, i) => (i == 0 && method.IsExtensionMethod ? "this " : "") + Parameter(parameter));
        // What it returns may have parentheses too.
        var from = method.ReturnType.IsTupleType ? text.IndexOf(method.Name + "(", StringComparison.Ordinal) : 0;
        var (head, tail) = (text[..text.IndexOf('(', from)], text[(text.LastIndexOf(')') + 1)..]);
        var line = $"{head}({string.Join(", ", parameters)}){tail}";
        return line.Length <= 120 ? line : $"{head}(\n    {string.Join(",\n    ", parameters)}){tail}";
    }

    /// <summary>A parameter as one would write it: a default that is an enumeration's, with the enumeration's name.</summary>
    private static string Parameter(IParameterSymbol parameter)
    {
        var text = parameter.ToDisplayString(s_signature);
        return parameter is { HasExplicitDefaultValue: true, Type.TypeKind: TypeKind.Enum } && text.Split(" = ") is [var declared, var value]
            ? $"{declared} = {string.Join(" | ", value.Split(" | ").Select(name => $"{parameter.Type.Name}.{name}"))}"
            : text;
    }

    private static string Inherited(INamedTypeSymbol type) => type switch
    {
        _ when Library.IsRecord(type) => "A record: compared by its values, copied with `with`.",
        { TypeKind: TypeKind.Class, BaseType: { SpecialType: not SpecialType.System_Object } parent } => $"The rest is inherited from [{parent.Name}]({Home}{parent.ToDisplayString().ToLowerInvariant()}).",
        _ when type.AllInterfaces.Any(face => face.Name == "IEnumerable") => "It is enumerable.",
        _ => "",
    };

    private XElement[] Elements(ISymbol symbol, string name) => [.. library.Comment(symbol)?.Elements(name) ?? []];

    private string Section(ISymbol symbol, string name) => string.Join("\n\n", Elements(symbol, name).Select(element => Markdown(element)));

    private static void Paragraph(StringBuilder text, string paragraph) => text.Append(paragraph.Length > 0 ? paragraph + "\n\n" : "");

    private static string Cell(params string[] parts) =>
        string.Join("<br>", parts.Where(part => part.Length > 0)).Replace("\n\n", "<br>", StringComparison.Ordinal).Replace("\n", " ", StringComparison.Ordinal).Replace("|", "\\|", StringComparison.Ordinal);

    private string Markdown(XElement element, bool isBare = false)
    {
        var text = new StringBuilder();
        if (isBare)
        {
            return See(element);
        }

        foreach (var node in element.Nodes())
        {
            text.Append(node switch
            {
                XText plain => WebUtility.HtmlEncode(Regex.Replace(plain.Value, @"\s+", " ")).Replace("&#39;", "'", StringComparison.Ordinal).Replace("&quot;", "\"", StringComparison.Ordinal)
                    .Replace("*", "\\*", StringComparison.Ordinal),
                XElement { Name.LocalName: "c" } code => $"`{code.Value}`",
                XElement { Name.LocalName: "see" } see => See(see),
                XElement { Name.LocalName: "paramref" or "typeparamref" } reference => $"`{reference.Attribute("name")!.Value}`",
                XElement { Name.LocalName: "para" } paragraph => $"\n\n{Markdown(paragraph)}\n\n",
                XElement other => throw new NotSupportedException($"<{other.Name}> in the comments of {_page.Name}"),
                _ => "",
            });
        }

        return text.ToString().Trim();
    }

    private string See(XElement see)
    {
        if (see.Attribute("langword") is { } word)
        {
            return $"`{word.Value}`";
        }

        if (see.Attribute("href") is { } link)
        {
            return $"[{see.Value}]({link.Value})";
        }

        var id = see.Attribute("cref")!.Value;
        if (library.Find(id) is not { } target)
        {
            findings.Add($"{library.SourceOf[_page]}: {id} leads nowhere");
            return $"`{id}`";
        }

        var type = target as INamedTypeSymbol ?? target.ContainingType;
        var isOwn = !_isIndex && SymbolEqualityComparer.Default.Equals(type, _page);
        var name = target is INamedTypeSymbol ? type.Name : isOwn || type.Name == "Errno" ? target.Name : $"{type.Name}.{target.Name}";
        if (!library.Has(target))
        {
            return $"`{name}`";
        }

        if (!library.Types.Contains(type, SymbolEqualityComparer.Default))
        {
            findings.Add($"{library.SourceOf[_page]}: {id} is not public");
            return $"`{name}`";
        }

        return target is INamedTypeSymbol ? isOwn ? $"`{name}`" : $"[`{name}`]({Library.PageOf(type)})" : $"[`{name}`]({(isOwn ? "" : Library.PageOf(type))}#{Anchor(target)})";
    }

    private static string Dedent(string code)
    {
        var lines = code.Trim('\n').TrimEnd().Split('\n');
        var indent = lines.Where(line => line.Trim().Length > 0).Min(line => line.Length - line.TrimStart().Length);
        return string.Join('\n', lines.Select(line => line.Length > indent ? line[indent..] : ""));
    }
}
