using Microsoft.CodeAnalysis;

namespace Guards.Checks;

/// <summary>How long classes are over all their parts.</summary>
internal static class ClassLengths
{
    internal static IEnumerable<Finding> AreBounded(Repository repository)
    {
        foreach (var package in repository.Packages)
        {
            var known = package.Table.LongClasses;
            var lengths = package.Types.Where(type => type.ContainingType is null)
                .Select(type => (Type: type, Lines: type.DeclaringSyntaxReferences.Sum(part => SourceFile.LinesOf(part.GetSyntax()))))
                .Where(length => length.Lines > PackageTable.MostLines)
                .ToArray();
            foreach (var (type, lines) in lengths)
            {
                var file = package.HomesOf(type).OrderBy(home => home.Path.Length).First();
                var most = known.GetValueOrDefault(type.Name, PackageTable.MostLines);
                if (lines > most)
                {
                    yield return new(file.Path, 1, $"{type.Name} has {lines} lines in {type.DeclaringSyntaxReferences.Length} parts, doc comments not counted: {most} are allowed");
                }
            }

            foreach (var (name, lines) in known.Where(entry => !lengths.Any(length => length.Type.Name == entry.Key && length.Lines > entry.Value - 50)))
            {
                yield return new("tools/guards/PackageTable.cs", 1, $"{package.Table.Name}: {name} is shorter than the {lines} lines that it may have: lower the exception, or take it away", IsNote: true);
            }
        }
    }
}
