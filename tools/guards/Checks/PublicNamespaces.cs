using Microsoft.CodeAnalysis;

namespace Guards.Checks;

/// <summary>Where public types are.</summary>
internal static class PublicNamespaces
{
    internal static IEnumerable<Finding> AreThoseOfTheTable(Repository repository) =>
        from package in repository.Packages
        from type in package.Types
        where type is { DeclaredAccessibility: Accessibility.Public, ContainingType: null }
        let space = type.ContainingNamespace.ToDisplayString()
        where !package.Table.PublicNamespaces.Contains(space)
        let file = package.HomesOf(type).First()
        select file.At(type.DeclaringSyntaxReferences[0].Span.Start, $"{type.Name} is public in '{space}'; {package.Table.Name} has {(package.Table.PublicNamespaces is [] ? "no public type" : string.Join(" and ", package.Table.PublicNamespaces))}");
}
