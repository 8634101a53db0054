using System.Globalization;
using System.Text;
using System.Text.RegularExpressions;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp.Syntax;
using Microsoft.CodeAnalysis.Operations;

namespace Guards.Checks;

/// <summary>What a reader of one way through the library goes through, in the order of reading.</summary>
/// <param name="Table">Its limits.</param>
/// <param name="Steps">The methods, each where it is first called.</param>
internal sealed record Way(WayTable Table, IReadOnlyList<(string Room, string File, string Method, int Lines, int Depth)> Steps)
{
    internal int Files => Steps.Select(step => step.File).Distinct().Count();

    internal int Lines => Steps.Sum(step => step.Lines);

    /// <summary>Gets how often the reader goes to another file.</summary>
    internal int Changes => Steps.Zip(Steps.Skip(1)).Count(pair => pair.First.File != pair.Second.File);

    /// <summary>Gets how often the reader goes to another room.</summary>
    internal int RoomChanges => Steps.Zip(Steps.Skip(1)).Count(pair => pair.First.Room != pair.Second.Room);

    /// <summary>Gets how many files are entered more than once.</summary>
    internal int Returned => Steps.Where((step, i) => i == 0 || Steps[i - 1].File != step.File).GroupBy(step => step.File).Count(entries => entries.Count() > 1);

    internal string Summary => string.Create(
        CultureInfo.InvariantCulture,
        $"the way of a byte: {Files} files, {Lines} lines, {Changes} changes of file, {RoomChanges} of room, {Returned} files entered more than once; allowed are {Table.MostFiles}, {Table.MostLines} and {Table.MostReturns} entered more than once");

    internal string Draw()
    {
        var text = new StringBuilder();
        foreach (var (room, file, method, lines, depth) in Steps)
        {
            text.Append(CultureInfo.InvariantCulture, $"{new string(' ', 2 * depth)}{method} ({lines})  {file}\n");
        }

        return text.Append(Summary).Append('\n').ToString();
    }
}

/// <summary>Opening, sizing, mapping, taking a span and unlinking, followed from call to call by the compiler's symbols.</summary>
internal static class WayOfAByte
{
    internal static IEnumerable<Finding> IsShort(Repository repository)
    {
        foreach (var package in repository.Packages.Where(package => package.Table.Way is not null))
        {
            var table = package.Table.Way!;
            if (Walk(package) is not { } way)
            {
                yield return new("tools/guards/PackageTable.cs", 1, $"{package.Table.Name}: a call of the way of a byte is not found: {string.Join(", ", table.Calls.Where(call => Find(package, call) is null))}");
                continue;
            }

            if (way.Files > table.MostFiles || way.Lines > table.MostLines || way.Returned > table.MostReturns)
            {
                yield return new($"src/{package.Table.Name}", 1, $"{way.Summary}; `dotnet run --project tools/guards -- --way` draws it");
            }
        }
    }

    /// <summary>Follows the calls of the table. Nothing, where the package has no such table or a call is not found.</summary>
    internal static Way? Walk(Package package)
    {
        if (package.Table.Way is not { } table || table.Calls.Select(call => Find(package, call)).ToArray() is not { } calls || calls.Contains(null))
        {
            return null;
        }

        List<(string, string, string, int, int)> steps = [];
        HashSet<ISymbol> seen = new(SymbolEqualityComparer.Default);
        foreach (var call in calls)
        {
            Visit(call!, isVirtual: true, 0);
        }

        return new(table, steps);

        void Visit(IMethodSymbol method, bool isVirtual, int depth)
        {
            method = (isVirtual ? OnSystem(package, method, table.System) : method).OriginalDefinition;
            method = method.PartialImplementationPart ?? method;
            if (!seen.Add(method) || method.DeclaringSyntaxReferences.FirstOrDefault() is not { } declared || package.FileOf(declared.SyntaxTree) is not { } file)
            {
                return;
            }

            var syntax = declared.GetSyntax();
            if (!HasText(method, syntax) || table.Aside.Contains($"{method.ContainingType.Name}.{method.Name}"))
            {
                return;
            }

            steps.Add((Package.RoomOf(file), file.Path, $"{method.ContainingType.Name}.{method.Name}", SourceFile.LinesOf(syntax), depth));
            var model = package.ModelOf(file);
            foreach (var (called, isCalledVirtually) in CallsIn(model, syntax))
            {
                Visit(called, isCalledVirtually, depth + 1);
            }
        }
    }

    // Nothing is read at what the compiler writes (automatic properties, what records bring), and what only throws, or is named for another system, is not on the way.
    private static bool HasText(IMethodSymbol method, SyntaxNode syntax) =>
        !method.IsImplicitlyDeclared && !Regex.IsMatch(method.Name, "Bsd|MacOS")
        && method.GetAttributes().All(attribute => attribute.AttributeClass?.Name != "DoesNotReturnAttribute")
        && syntax is not (BaseTypeDeclarationSyntax or ParameterSyntax or AccessorDeclarationSyntax { Body: null, ExpressionBody: null }
            or BaseMethodDeclarationSyntax { ExpressionBody.Expression: ThrowExpressionSyntax } or BaseMethodDeclarationSyntax { Body.Statements: [.., ThrowStatementSyntax] });

    /// <summary>What a method calls, in the order of the text. Failures are not on the way: what a throw evaluates, catch clauses, and blocks that end by a throw.</summary>
    private static IEnumerable<(IMethodSymbol Method, bool IsVirtual)> CallsIn(SemanticModel model, SyntaxNode syntax)
    {
        IEnumerable<SyntaxNode?> bodies = syntax switch
        {
            ConstructorDeclarationSyntax constructor => new SyntaxNode?[] { constructor.Initializer, constructor.Body, constructor.ExpressionBody },
            BaseMethodDeclarationSyntax method => new SyntaxNode?[] { method.Body, method.ExpressionBody },
            AccessorDeclarationSyntax accessor => new SyntaxNode?[] { accessor.Body, accessor.ExpressionBody },
            ArrowExpressionClauseSyntax arrow => new SyntaxNode?[] { arrow },
            LocalFunctionStatementSyntax function => new SyntaxNode?[] { function.Body, function.ExpressionBody },
            _ => [],
        };
        return bodies.OfType<SyntaxNode>().Select(body => model.GetOperation(body)).OfType<IOperation>().SelectMany(Calls).OrderBy(call => call.At).Select(call => (call.Method, call.IsVirtual));
    }

    private static IEnumerable<(int At, IMethodSymbol Method, bool IsVirtual)> Calls(IOperation operation)
    {
        if (operation is IThrowOperation or ICatchClauseOperation or IBlockOperation { Operations: [.., IThrowOperation] })
        {
            yield break;
        }

        var at = operation.Syntax.SpanStart;
        switch (operation)
        {
            case IInvocationOperation { TargetMethod.MethodKind: not MethodKind.DelegateInvoke } call:
                // What is called by base is not the override again.
                yield return (NameOf(call.Syntax), call.TargetMethod, call.IsVirtual);
                break;
            case IObjectCreationOperation { Constructor: { } constructor }:
                yield return (at, constructor, false);
                break;
            case IPropertyReferenceOperation property:
                var isWritten = property.Parent is IAssignmentOperation assignment && assignment.Target == property;
                if ((isWritten ? property.Property.SetMethod : property.Property.GetMethod) is { } accessor)
                {
                    yield return (NameOf(property.Syntax), accessor, true);
                }

                break;
            case IConversionOperation { OperatorMethod: { } conversion }:
                yield return (at, conversion, false);
                break;
            case IBinaryOperation { OperatorMethod: { } binary }:
                yield return (at, binary, false);
                break;
            case IMethodReferenceOperation reference:
                yield return (at, reference.Method, true);
                break;
        }

        foreach (var call in operation.ChildOperations.SelectMany(Calls))
        {
            yield return call;
        }
    }

    // Of a.b().c() the reader meets b first: its name is before that of c.
    private static int NameOf(SyntaxNode syntax) => syntax switch
    {
        InvocationExpressionSyntax { Expression: MemberAccessExpressionSyntax member } => member.Name.SpanStart,
        MemberAccessExpressionSyntax member => member.Name.SpanStart,
        _ => syntax.SpanStart,
    };

    /// <summary>The method that runs on the system: the override of the class whose name begins with the system's, or of the only class there is.</summary>
    private static IMethodSymbol OnSystem(Package package, IMethodSymbol method, string system)
    {
        if (!(method.IsAbstract || method.IsVirtual || method.IsOverride) || method.ContainingType is null)
        {
            return method;
        }

        var owner = method.ContainingType.OriginalDefinition;
        var classes = package.Types.Where(type => !type.IsAbstract && type.TypeKind == TypeKind.Class && IsA(type, owner)).ToArray();
        if ((Array.Find(classes, type => type.Name.StartsWith(system, StringComparison.Ordinal)) ?? (classes.Length == 1 ? classes[0] : null)) is not { } chosen)
        {
            return method;
        }

        if (owner.TypeKind == TypeKind.Interface)
        {
            return chosen.FindImplementationForInterfaceMember(method) as IMethodSymbol ?? method;
        }

        for (var type = chosen; type is not null && !SymbolEqualityComparer.Default.Equals(type, owner); type = type.BaseType?.OriginalDefinition)
        {
            foreach (var member in type.GetMembers(method.Name).OfType<IMethodSymbol>())
            {
                for (var overridden = member.OverriddenMethod; overridden is not null; overridden = overridden.OverriddenMethod)
                {
                    if (SymbolEqualityComparer.Default.Equals(overridden.OriginalDefinition, method.OriginalDefinition))
                    {
                        return member;
                    }
                }
            }
        }

        return method;
    }

    private static bool IsA(INamedTypeSymbol type, INamedTypeSymbol owner)
    {
        if (owner.TypeKind == TypeKind.Interface)
        {
            return type.AllInterfaces.Any(face => SymbolEqualityComparer.Default.Equals(face.OriginalDefinition, owner));
        }

        for (var parent = type; parent is not null; parent = parent.BaseType?.OriginalDefinition)
        {
            if (SymbolEqualityComparer.Default.Equals(parent, owner))
            {
                return true;
            }
        }

        return false;
    }

    private static IMethodSymbol? Find(Package package, string call)
    {
        var (name, parameters) = call.Split('(') is [var before, var rest] ? (before, rest.TrimEnd(')')) : (call, null);
        var words = name.Split('.');
        return package.Types.Where(type => type.Name == words[0]).SelectMany(type => type.GetMembers(words[1])).OfType<IMethodSymbol>()
            .Where(method => parameters is null || string.Join(",", method.Parameters.Select(parameter => parameter.Type.Name)) == parameters)
            .OrderBy(method => method.Parameters.Length).FirstOrDefault();
    }
}
