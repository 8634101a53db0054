using System.Text.RegularExpressions;

namespace Guards.Checks;

/// <summary>Fences and lock protocols: `// SYNC label: text`.</summary>
internal static class SyncLabels
{
    /// <summary>Either the label occurs again, at the partner, or the text says with what it "pairs with".</summary>
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
        }
    }
}
