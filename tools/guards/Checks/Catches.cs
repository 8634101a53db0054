using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp.Syntax;

namespace Guards.Checks;

/// <summary>Exceptions that nothing is done about.</summary>
internal static class Catches
{
    /// <summary>An empty block is allowed for one named exception, with a comment in it that says why nothing is to be done.</summary>
    internal static IEnumerable<Finding> AreNotEmpty(Repository repository) =>
        from file in repository.Sources
        from clause in file.Root.DescendantNodes().OfType<CatchClauseSyntax>()
        where clause.Block.Statements.Count == 0
        where clause.Declaration?.Type.ToString() is null or "Exception" or "System.Exception"
            || string.IsNullOrWhiteSpace(string.Concat(clause.Block.DescendantTrivia().Select(trivia => trivia.ToString())))
        select file.At(clause, "an exception is swallowed");
}
