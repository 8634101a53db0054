using System.Text.RegularExpressions;
using System.Xml.Linq;

namespace Guards.Checks;

/// <summary>The tables themselves, and the project files.</summary>
internal static class Tables
{
    internal static IEnumerable<Finding> EachPackageHasOne(Repository repository) =>
        from project in repository.Files
        let match = Regex.Match(project.Path, @"^src/(?<name>[^/]+)/[^/]+\.csproj$")
        where match.Success && repository.Tables.All(table => table.Name != match.Groups["name"].Value)
        select new Finding(project.Path, 1, "has no table in tools/guards/PackageTable.cs");

    /// <summary>A project refers to what its table names, and shows its internals to no other package.</summary>
    internal static IEnumerable<Finding> DependenciesAreNamed(Repository repository)
    {
        foreach (var package in repository.Packages.Where(package => package.Project is not null))
        {
            var project = XElement.Parse(package.Project!.Text);
            foreach (var (item, name) in Items(project, "ProjectReference", Path.GetFileNameWithoutExtension).Where(reference => !package.Table.Uses.Contains(reference.Name))
                .Concat(Items(project, "PackageReference", name => name).Where(reference => !package.Table.Packages.Contains(reference.Name)))
                .Concat(Items(project, "InternalsVisibleTo", name => name).Where(friend => repository.Tables.Any(table => table.Name == friend.Name))))
            {
                yield return package.Project.At(package.Project.Text.IndexOf(item, StringComparison.Ordinal), $"{package.Table.Name} may not refer or show itself to {name}");
            }

            foreach (var file in package.Files)
            {
                foreach (Match match in Regex.Matches(file.Text, @"\b(InternalsVisibleTo|IgnoresAccessChecksTo)\w*\("))
                {
                    yield return file.At(match.Index, $"{match.Value} belongs into the project file, where this check reads it");
                }
            }
        }
    }

    /// <summary>ARCHITECTURE.md names each folder of each package below the line of the package, and each project of tests.</summary>
    internal static IEnumerable<Finding> FoldersAreDrawn(Repository repository)
    {
        if (repository.Files.FirstOrDefault(file => file.Path == "ARCHITECTURE.md") is not { } page)
        {
            return [new Finding("ARCHITECTURE.md", 1, "is missing")];
        }

        var rooms =
            from package in repository.Packages
            let start = page.Text.IndexOf($"src/{package.Table.Name}/ ", StringComparison.Ordinal)
            let end = start < 0 ? -1 : Regex.Match(page.Text[start..], @"\n\w") is { Success: true } next ? start + next.Index : page.Text.Length
            from room in package.Files.Select(Package.RoomOf).Where(room => room.Length > 0).Distinct(StringComparer.Ordinal)
            where start < 0 || !Regex.IsMatch(page.Text[start..end], $@"\b{room}/")
            select page.At(Math.Max(0, start), $"does not name {room}/ of {package.Table.Name}");
        var tests =
            from file in repository.Files
            let match = Regex.Match(file.Path, @"^tests/(?<name>[^/]+)/[^/]+\.csproj$")
            where match.Success && !Regex.IsMatch(page.Text, $@"\b{Regex.Escape(match.Groups["name"].Value)}[ /]")
            select page.At(0, $"does not name tests/{match.Groups["name"].Value}");
        return rooms.Concat(tests);
    }

    private static IEnumerable<(string Item, string Name)> Items(XElement project, string kind, Func<string, string?> name) =>
        from item in project.Descendants(kind)
        let include = item.Attribute("Include")!.Value
        select (include, name(include)!);
}
