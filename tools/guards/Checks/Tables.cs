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

    private static IEnumerable<(string Item, string Name)> Items(XElement project, string kind, Func<string, string?> name) =>
        from item in project.Descendants(kind)
        let include = item.Attribute("Include")!.Value
        select (include, name(include)!);
}
