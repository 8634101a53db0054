using System.Text.RegularExpressions;
using Microsoft.CodeAnalysis.CSharp.Syntax;

namespace Guards.Checks;

/// <summary>Rules and claims. A rule is a list item of docs/spec, `- **names.slash** text`; a claim is [Rule("names.slash")] on a test.</summary>
internal static class Rules
{
    internal static IEnumerable<Finding> AreClaimed(Repository repository)
    {
        var rules = (
            from file in repository.Files
            where Regex.IsMatch(file.Path, @"^docs/spec/.+\.md$")
            from Match match in Regex.Matches(file.Text, @"^[ ]*[-*] \*\*(?<id>[\w-]+(\.[\w-]+)+)\*\*", RegexOptions.Multiline)
            select (Id: match.Groups["id"].Value, File: file, match.Index)).ToArray();
        var claims = (
            from file in repository.Files
            where file.IsCSharp && file.Path.StartsWith("tests/", StringComparison.Ordinal)
            from attribute in file.Root.DescendantNodes().OfType<AttributeSyntax>()
            where attribute.Name.ToString() is "Rule" && attribute.ArgumentList is not null
            from argument in attribute.ArgumentList!.Arguments
            let literal = argument.Expression as LiteralExpressionSyntax
            where literal is not null
            select (Id: literal.Token.ValueText, File: file, Index: attribute.SpanStart)).ToArray();
        if (rules.Length == 0)
        {
            yield return new("docs/spec", 1, "has no rule");
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
            yield return file.At(index, $"claims {id}, which is not a rule");
        }
    }
}
