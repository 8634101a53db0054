using System.Text.RegularExpressions;

namespace Guards.Checks;

/// <summary>The labels of the models, `SYNC ring.end` or `ring.end` in a comment of tests/models, and those of the code.</summary>
internal static class SyncModels
{
    /// <summary>Labels of a protocol that has a model, which leaves them out, and why.</summary>
    private static readonly Dictionary<string, string> s_leftOut = new(StringComparer.Ordinal)
    {
        ["connection.object"] = "A socket keeps the order of what is sent.",
        ["ring.ending"] = "Between threads of one process, by a fence of the base library.",
    };

    /// <summary>Each label of a model stands in the code; and each label of the code whose protocol (what is before the dot) has a model stands in one.</summary>
    internal static IEnumerable<Finding> AgreeWithTheCode(Repository repository)
    {
        var inModels = (
            from file in repository.Files
            where Regex.IsMatch(file.Path, @"^tests/models/.+\.pml$")
            from Match comment in Regex.Matches(file.Text, @"/\*.*?\*/", RegexOptions.Singleline)
            from Match label in Regex.Matches(comment.Value, @"(?<![\w.])[a-z]+\.(?!pml\b|md\b)[a-z]+(?![\w.]*\w)")
            select (File: file, Index: comment.Index + label.Index, Label: label.Value)).ToArray();
        var inCode = (
            from file in repository.Sources
            from comment in file.Comments
            from Match match in Regex.Matches(comment.ToString(), @"//\s*SYNC (?<label>[a-z]+\.[a-z]+):")
            select (File: file, Index: comment.SpanStart + match.Index, Label: match.Groups["label"].Value)).ToArray();
        var known = inCode.Select(found => found.Label).ToHashSet(StringComparer.Ordinal);
        foreach (var (file, index, label) in inModels.Where(found => !known.Contains(found.Label)))
        {
            yield return file.At(index, $"the model's label {label} does not stand in the code, as '// SYNC {label}: text'");
        }

        var modelled = inModels.Select(found => found.Label).ToHashSet(StringComparer.Ordinal);
        var protocols = modelled.Select(Protocol).ToHashSet(StringComparer.Ordinal);
        foreach (var (file, index, label) in inCode.DistinctBy(found => found.Label).Where(found => !modelled.Contains(found.Label)))
        {
            if (protocols.Contains(Protocol(label)) && !s_leftOut.ContainsKey(label))
            {
                yield return file.At(index, $"SYNC {label} does not stand in the model of its protocol");
            }
        }

        foreach (var label in s_leftOut.Keys.Where(modelled.Contains))
        {
            yield return new("tools/guards/Checks/SyncModels.cs", 1, $"{label} stands in a model, and is listed as left out");
        }
    }

    private static string Protocol(string label) => label[..label.IndexOf('.', StringComparison.Ordinal)];
}
