using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp;
using Microsoft.CodeAnalysis.CSharp.Syntax;

namespace Guards.Checks;

/// <summary>What files are called.</summary>
internal static class FileNames
{
    /// <summary>The first type gives the name; a part of it is Type.Aspect.cs. Files without a type (assembly attributes, a program) are free.</summary>
    internal static IEnumerable<Finding> AreThoseOfTypes(Repository repository)
    {
        foreach (var file in repository.Sources)
        {
            if (file.Types.FirstOrDefault() is not { } type)
            {
                continue;
            }

            var name = type is DelegateDeclarationSyntax declared ? declared.Identifier.ValueText : ((BaseTypeDeclarationSyntax)type).Identifier.ValueText;
            // Type{T}.cs is a generic type beside Type.cs.
            var words = Path.GetFileNameWithoutExtension(file.Path).Replace("{T}", "", StringComparison.Ordinal).Split('.', 2);
            if (words[0] != name && words[0] != "Program")
            {
                yield return file.At(type, $"{name} is declared in a file called {words[0]}");
            }
            else if (words.Length == 2 && !type.Modifiers.Any(SyntaxKind.PartialKeyword))
            {
                yield return file.At(type, $"{Path.GetFileName(file.Path)} looks like a part of {name}, which is not partial");
            }
        }
    }
}
