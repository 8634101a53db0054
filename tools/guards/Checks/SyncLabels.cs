using System.Text.RegularExpressions;
using Microsoft.CodeAnalysis.CSharp.Syntax;

namespace Guards.Checks;

/// <summary>Fences and lock protocols: `// SYNC label: text`.</summary>
internal static class SyncLabels
{
    /// <summary>Either the label occurs again, at the partner, or the text says with what it "pairs with". A method that is named there, as Type.Method, exists.</summary>
    internal static IEnumerable<Finding> ComeInPairs(Repository repository)
    {
        var found = (
            from file in repository.Sources
            from comment in file.Comments
            from Match match in Regex.Matches(comment.ToString(), @"//\s*SYNC\b[ ]?(?<label>[a-z0-9.-]*)(?<colon>:?)")
            select (File: file, Index: comment.SpanStart + match.Index, Label: match.Groups["label"].Value, IsWhole: match.Groups["colon"].Length > 0)).ToArray();
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
            else if (Regex.Match(file.CommentAt(index), @"pairs with (?<type>[A-Z]\w+)\.(?<member>[A-Z]\w+)") is { Success: true } partner
                && !repository.Sources.Any(source => Declares(source, partner.Groups["type"].Value, partner.Groups["member"].Value)))
            {
                yield return file.At(index, $"SYNC {label} pairs with {partner.Groups["type"].Value}.{partner.Groups["member"].Value}, which is not there");
            }
        }
    }

    private static bool Declares(SourceFile source, string type, string member) =>
        source.Text.Contains(type, StringComparison.Ordinal) && source.Root.DescendantNodes().OfType<TypeDeclarationSyntax>().Any(declared => declared.Identifier.Text == type && declared.Members.Any(candidate => candidate switch
        {
            MethodDeclarationSyntax method => method.Identifier.Text == member,
            PropertyDeclarationSyntax property => property.Identifier.Text == member,
            ConstructorDeclarationSyntax => member == type,
            _ => false,
        }));
}
