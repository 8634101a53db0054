using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp;
using Microsoft.CodeAnalysis.CSharp.Syntax;
using Microsoft.CodeAnalysis.Text;

namespace Guards;

/// <summary>A text file; a C# one is parsed.</summary>
internal sealed class SourceFile(string path, string text)
{
    private static readonly CSharpParseOptions s_parse =
        CSharpParseOptions.Default.WithLanguageVersion(LanguageVersion.Preview).WithDocumentationMode(DocumentationMode.Parse).WithFeatures([new("FileBasedProgram", "true")]);

    private readonly Lazy<SyntaxTree> _tree = new(() => CSharpSyntaxTree.ParseText(text, s_parse, path));
    private readonly Lazy<SourceText> _lines = new(() => SourceText.From(text));

    internal string Path => path;

    internal string Text => text;

    internal bool IsCSharp => path.EndsWith(".cs", StringComparison.Ordinal);

    internal SyntaxTree Tree => _tree.Value;

    internal SyntaxNode Root => Tree.GetRoot();

    /// <summary>Gets the comments, doc comments too.</summary>
    internal IEnumerable<SyntaxTrivia> Comments => Root.DescendantTrivia(descendIntoTrivia: false).Where(IsComment);

    /// <summary>Gets the types that are declared in no other type, in their order.</summary>
    internal IEnumerable<MemberDeclarationSyntax> Types =>
        Root.DescendantNodes(node => node is CompilationUnitSyntax or BaseNamespaceDeclarationSyntax).Where(node => node is BaseTypeDeclarationSyntax or DelegateDeclarationSyntax).Cast<MemberDeclarationSyntax>();

    internal Finding At(int index, string what) => new(path, LineOf(index), what);

    internal Finding At(SyntaxNode node, string what) => At(node.SpanStart, what);

    internal int LineOf(int index) => _lines.Value.Lines.GetLinePosition(index).Line + 1;

    internal string LineAt(int line) => _lines.Value.Lines[line - 1].ToString();

    /// <summary>Whether a comment with this text is on the line, or ends at most so many lines above it, none of them blank.</summary>
    internal bool HasCommentAbove(int index, string comment, int lines)
    {
        var here = LineOf(index);
        var first = here;
        while (first > 1
            && !string.IsNullOrWhiteSpace(LineAt(first - 1))
            && (here - first < lines || (IsCommentLine(LineAt(first)) && IsCommentLine(LineAt(first - 1)))))
        {
            first--;
        }

        return Enumerable.Range(first, here - first + 1).Any(line => LineAt(line).Contains(comment, StringComparison.Ordinal));
    }

    /// <summary>The comment that starts at an index, to its last line or to the next label.</summary>
    internal string CommentAt(int index)
    {
        var first = LineOf(index);
        var rest = Enumerable.Range(first + 1, _lines.Value.Lines.Count - first).Select(LineAt)
            .TakeWhile(line => IsCommentLine(line) && !line.Contains("// SYNC", StringComparison.Ordinal));
        return string.Join('\n', [LineAt(first), .. rest]);
    }

    /// <summary>The lines that nothing but a doc comment is on.</summary>
    internal static int DocLines(SyntaxNode node) =>
        node.DescendantTrivia(node.FullSpan).Where(IsDocComment).Where(trivia => node.Span.Contains(trivia.Span))
            .Sum(trivia => trivia.ToFullString().AsSpan().Count('\n'));

    /// <summary>The lines of a declaration, without doc comments.</summary>
    internal static int LinesOf(SyntaxNode node)
    {
        var span = node.SyntaxTree.GetLineSpan(node.Span);
        return span.EndLinePosition.Line - span.StartLinePosition.Line + 1 - DocLines(node);
    }

    internal static bool IsDocComment(SyntaxTrivia trivia) =>
        trivia.IsKind(SyntaxKind.SingleLineDocumentationCommentTrivia) || trivia.IsKind(SyntaxKind.MultiLineDocumentationCommentTrivia);

    private static bool IsComment(SyntaxTrivia trivia) =>
        trivia.IsKind(SyntaxKind.SingleLineCommentTrivia) || trivia.IsKind(SyntaxKind.MultiLineCommentTrivia) || IsDocComment(trivia);

    private static bool IsCommentLine(string line) => line.TrimStart().StartsWith("//", StringComparison.Ordinal);
}
