using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp;
using Microsoft.CodeAnalysis.CSharp.Syntax;

namespace Guards.Checks;

/// <summary>What makes an address, or trusts one, and the sentence above it.</summary>
internal static class UnsafeActs
{
    // Outside Interop/, two things are required:
    // 1. Every `unsafe` with a body (member, type or block) has a SAFETY comment in that body; without one it is unneeded or unexplained.
    //    A member that takes or returns pointers may do so without: it hands on what its caller has a reason for.
    // 2. Every act that makes an address, or trusts one, has a SAFETY comment above it, which ends within three lines, none blank. Acts are
    //    fixed (…) · & of a variable · (T*) of what a DangerousGet… returns · p->x · *p · Unsafe.X(…) but SizeOf ·
    //    MemoryMarshal.CreateSpan, CreateReadOnlySpan, GetReference. Pointer arithmetic, and a cast of one pointer to another, only pass an address on.
    internal static IEnumerable<Finding> HaveReasons(Repository repository)
    {
        foreach (var file in from package in repository.Packages from file in package.Files where Package.RoomOf(file) != "Interop" select file)
        {
            foreach (var token in file.Root.DescendantTokens().Where(token => token.IsKind(SyntaxKind.UnsafeKeyword)))
            {
                if (BodyOf(token.Parent!) is { } body && !file.Text[token.SpanStart..Math.Max(token.SpanStart, body.SpanStart)].Contains('*', StringComparison.Ordinal)
                    && !body.DescendantTrivia().Any(trivia => trivia.ToString().Contains("// SAFETY:", StringComparison.Ordinal)))
                {
                    yield return file.At(token.SpanStart, "unsafe, and no SAFETY comment inside: is it needed?");
                }
            }

            foreach (var node in file.Root.DescendantNodes().Where(IsAct).Where(node => !file.HasCommentAbove(node.SpanStart, "// SAFETY:", lines: 3)))
            {
                yield return file.At(node, $"'{node.ToString().Split('\n')[0].Trim()}' without a SAFETY comment above");
            }
        }
    }

    private static SyntaxNode? BodyOf(SyntaxNode declaration) => declaration switch
    {
        BaseMethodDeclarationSyntax method => (SyntaxNode?)method.Body ?? method.ExpressionBody,
        PropertyDeclarationSyntax property => (SyntaxNode?)property.AccessorList ?? property.ExpressionBody,
        LocalFunctionStatementSyntax function => (SyntaxNode?)function.Body ?? function.ExpressionBody,
        UnsafeStatementSyntax block => block.Block,
        TypeDeclarationSyntax type => type,
        _ => null,
    };

    private static bool IsAct(SyntaxNode node) => node switch
    {
        FixedStatementSyntax => true,
        MemberAccessExpressionSyntax { RawKind: (int)SyntaxKind.PointerMemberAccessExpression } => true,
        PrefixUnaryExpressionSyntax { RawKind: (int)SyntaxKind.PointerIndirectionExpression } => true,
        PrefixUnaryExpressionSyntax { RawKind: (int)SyntaxKind.AddressOfExpression } => true,
        CastExpressionSyntax { Type: PointerTypeSyntax } cast => cast.Expression.ToString().Contains("DangerousGet", StringComparison.Ordinal),
        MemberAccessExpressionSyntax { Expression: IdentifierNameSyntax { Identifier.ValueText: "Unsafe" } } member => member.Name.Identifier.ValueText != "SizeOf",
        MemberAccessExpressionSyntax { Expression: IdentifierNameSyntax { Identifier.ValueText: "MemoryMarshal" } } member =>
            member.Name.Identifier.ValueText is "CreateSpan" or "CreateReadOnlySpan" or "GetReference",
        _ => false,
    };
}
