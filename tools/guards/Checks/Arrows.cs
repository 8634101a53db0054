using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp.Syntax;

namespace Guards.Checks;

/// <summary>Which folder uses which.</summary>
internal static class Arrows
{
    /// <summary>Each name in the code is a symbol, and the symbol is declared in a folder that this one may use.</summary>
    internal static IEnumerable<Finding> PointDownward(Repository repository)
    {
        foreach (var package in repository.Packages.Where(package => package.Table.Rooms.Count > 0))
        {
            foreach (var file in package.Files)
            {
                var room = Package.RoomOf(file);
                if (!package.Table.Rooms.TryGetValue(room, out var lower))
                {
                    // Assembly attributes are all that may be beside the folders.
                    if (room.Length > 0 || file.Types.Any())
                    {
                        yield return new(file.Path, 1, $"'{room}' has no place in the order of the folders");
                    }

                    continue;
                }

                var model = package.ModelOf(file);
                foreach (var name in file.Root.DescendantNodes().OfType<SimpleNameSyntax>().Where(name => name is not IdentifierNameSyntax { IsVar: true }))
                {
                    if (model.GetSymbolInfo(name) is var info && (info.Symbol ?? info.CandidateSymbols.FirstOrDefault()) is { } symbol and not (INamespaceSymbol or ILocalSymbol or IParameterSymbol)
                        && RoomsOf(package, symbol) is { Length: > 0 } rooms && !rooms.Any(other => MayUse(package.Table, room, other)))
                    {
                        yield return file.At(name, $"{room} uses {name.Identifier.ValueText} of {string.Join(" and ", rooms)}");
                    }
                }
            }
        }
    }

    /// <summary>
    /// A method that another folder calls takes no delegate, and an interface that another folder implements belongs to that folder or to one above:
    /// otherwise a call goes up by them, and the arrow that the folders draw is not true.
    /// </summary>
    internal static IEnumerable<Finding> NothingCallsUpward(Repository repository)
    {
        foreach (var package in repository.Packages.Where(package => package.Table.Rooms.Count > 0))
        {
            var found = Implemented(package).Concat(TakesDelegates(package)).ToArray();
            foreach (var (name, file, line) in found.Where(found => !package.Table.CallsUpward.Contains(found.Name)))
            {
                yield return new(file.Path, line, $"{name} carries a call upward");
            }

            foreach (var name in package.Table.CallsUpward.Where(name => found.All(found => found.Name != name)))
            {
                yield return new("tools/guards/PackageTable.cs", 1, $"{package.Table.Name}: {name} carries no call upward any more: take it off the list", IsNote: true);
            }
        }
    }

    private static bool MayUse(PackageTable table, string room, string other) =>
        room == other || table.Rooms.GetValueOrDefault(room, []).Contains(other) || (other == table.Leaf && room != "Interop");

    private static string[] RoomsOf(Package package, ISymbol symbol)
    {
        symbol = ((symbol as IMethodSymbol)?.ReducedFrom ?? symbol).OriginalDefinition;
        return [.. package.HomesOf(symbol).Select(Package.RoomOf).Where(room => room.Length > 0).Distinct()];
    }

    private static IEnumerable<(string Name, SourceFile File, int Line)> Implemented(Package package) =>
        from type in package.Types
        from face in type.Interfaces
        from home in RoomsOf(package, face)
        from room in RoomsOf(package, type)
        where home != room && MayUse(package.Table, room, home) && home != package.Table.Leaf
        let file = package.HomesOf(face).First()
        select (face.Name, file, file.LineOf(face.DeclaringSyntaxReferences[0].Span.Start));

    private static IEnumerable<(string Name, SourceFile File, int Line)> TakesDelegates(Package package) =>
        from caller in package.Files
        let room = Package.RoomOf(caller)
        let model = package.ModelOf(caller)
        from call in caller.Root.DescendantNodes()
        where call is InvocationExpressionSyntax or BaseObjectCreationExpressionSyntax
        let method = model.GetSymbolInfo(call).Symbol?.OriginalDefinition as IMethodSymbol
        where method is not null && method.ContainingType.TypeKind != TypeKind.Delegate && method.Parameters.Any(parameter => parameter.Type.TypeKind == TypeKind.Delegate)
        from file in package.HomesOf(method)
        where Package.RoomOf(file) != room && Package.RoomOf(file) != package.Table.Leaf
        select ($"{method.ContainingType.Name}.{method.Name}", file, file.LineOf(method.DeclaringSyntaxReferences[0].Span.Start));
}
