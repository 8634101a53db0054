using Microsoft.CodeAnalysis.CSharp.Syntax;

namespace Guards.Checks;

/// <summary>Imports of C functions.</summary>
internal static class Imports
{
    internal static IEnumerable<Finding> AreInInterop(Repository repository) =>
        from package in repository.Packages
        from file in package.Files
        where Package.RoomOf(file) != "Interop"
        from attribute in file.Root.DescendantNodes().OfType<AttributeSyntax>()
        let name = attribute.Name.ToString().Split('.')[^1]
        where name is "LibraryImport" or "DllImport" or "LibraryImportAttribute" or "DllImportAttribute"
        select file.At(attribute, $"{name} outside Interop/");
}
