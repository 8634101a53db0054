using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp;

namespace Guards;

/// <summary>A project under src/ as the compiler sees it, without what its source generators write.</summary>
internal sealed class Package
{
    private static readonly Lazy<MetadataReference[]> s_baseLibrary = new(() =>
        [.. ((string)AppContext.GetData("TRUSTED_PLATFORM_ASSEMBLIES")!).Split(System.IO.Path.PathSeparator)
            .Where(path => System.IO.Path.GetFileName(path) is var name && (name.StartsWith("System.", StringComparison.Ordinal) || name.StartsWith("Microsoft.Win32.", StringComparison.Ordinal)))
            .Select(path => MetadataReference.CreateFromFile(path))]);

    private readonly Dictionary<SyntaxTree, SourceFile> _files;

    internal Package(PackageTable table, SourceFile[] files, SourceFile? project, Package[] uses)
    {
        (Table, Files, Project) = (table, files, project);
        _files = files.ToDictionary(file => file.Tree);
        const string ImplicitUsings = """
            global using System; global using System.Collections.Generic; global using System.IO; global using System.Linq; global using System.Net.Http;
            global using System.Threading; global using System.Threading.Tasks;
            """;
        CSharpCompilationOptions options = new(OutputKind.DynamicallyLinkedLibrary, allowUnsafe: true, nullableContextOptions: NullableContextOptions.Enable);
        var parse = (CSharpParseOptions)files[0].Tree.Options;
        Compilation = CSharpCompilation.Create(
            table.Name,
            [.. files.Select(file => file.Tree), CSharpSyntaxTree.ParseText(ImplicitUsings, parse)],
            [.. s_baseLibrary.Value, .. uses.Select(use => use.Compilation.ToMetadataReference())],
            options);
    }

    internal PackageTable Table { get; }

    internal IReadOnlyList<SourceFile> Files { get; }

    internal SourceFile? Project { get; }

    internal CSharpCompilation Compilation { get; }

    /// <summary>Gets the types that are declared in the package, nested ones too.</summary>
    internal IEnumerable<INamedTypeSymbol> Types => TypesIn(Compilation.Assembly.GlobalNamespace);

    internal SemanticModel ModelOf(SourceFile file) => Compilation.GetSemanticModel(file.Tree);

    internal SourceFile? FileOf(SyntaxTree? tree) => tree is null ? null : _files.GetValueOrDefault(tree);

    /// <summary>The folder of a file below the package's own; "" beside the project.</summary>
    internal static string RoomOf(SourceFile file) => file.Path["src/".Length..].Split('/') is [_, var room, _, ..] ? room : "";

    /// <summary>Where a symbol is declared in this package.</summary>
    internal IEnumerable<SourceFile> HomesOf(ISymbol symbol) => symbol.DeclaringSyntaxReferences.Select(part => FileOf(part.SyntaxTree)).OfType<SourceFile>();

    private static IEnumerable<INamedTypeSymbol> TypesIn(INamespaceOrTypeSymbol space) =>
        space.GetMembers().OfType<INamespaceOrTypeSymbol>().SelectMany(member => member is INamedTypeSymbol type ? TypesIn(type).Prepend(type) : TypesIn(member));
}
