using System.Text.RegularExpressions;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp;

namespace Guards.Checks;

/// <summary>What is left behind by work that is not finished, or by a machine.</summary>
internal static class Leftovers
{
    internal static IEnumerable<Finding> DeferredWork(Repository repository) =>
        from file in repository.Files
        where file.IsCSharp && !IsGuard(file)
        from comment in file.Comments
        from Match match in Regex.Matches(comment.ToString(), @"\b(TODO|FIXME|HACK|XXX)\b")
        select file.At(comment.SpanStart + match.Index, match.Value);

    internal static IEnumerable<Finding> CodeRegions(Repository repository) =>
        from file in repository.Files
        where file.IsCSharp
        from trivia in file.Root.DescendantTrivia()
        where trivia.IsKind(SyntaxKind.RegionDirectiveTrivia)
        select file.At(trivia.SpanStart, "#region");

    internal static IEnumerable<Finding> FoldersWithoutConcept(Repository repository) =>
        from file in repository.Files
        from folder in file.Path.Split('/')[..^1]
        where Regex.IsMatch(folder, "^(Common|Utils?|Utilities|Helpers?|Abstractions)$", RegexOptions.IgnoreCase)
        select new Finding(file.Path, 1, $"the folder {folder} names no concept");

    /// <summary>Paths that mean something everywhere (/dev/shm, /proc, /sys, /tmp for an example's file) are fine.</summary>
    internal static IEnumerable<Finding> MachinePaths(Repository repository) =>
        from file in repository.Files
        where !IsGuard(file)
        from Match match in Regex.Matches(file.Text, @"(?<![\w.~})-])/(home|work|root|Users|mnt)/[\w.-]+|/tmp/(wt|bash_jobs)\b|\b[A-Z]:\\Users\\")
        select file.At(match.Index, $"{match.Value} is a path of one machine");

    // The patterns themselves, and what the self-test plants.
    private static bool IsGuard(SourceFile file) => file.Path.StartsWith("tools/guards/", StringComparison.Ordinal);
}
