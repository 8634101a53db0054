using System.Diagnostics;
using System.Xml.Linq;

namespace Guards;

/// <summary>The text files of a repository: those that git tracks or would track.</summary>
internal sealed class Repository
{
    private readonly Dictionary<string, Package> _packages;

    internal Repository(IEnumerable<SourceFile> files, IReadOnlyList<PackageTable> tables)
    {
        Files = [.. files];
        _packages = new(StringComparer.Ordinal);
        Packages = [.. tables.Select(table => AddPackage(table)).OfType<Package>()];
        Tables = tables;
    }

    internal IReadOnlyList<SourceFile> Files { get; }

    internal IReadOnlyList<PackageTable> Tables { get; }

    /// <summary>Gets the packages of src/ that have a table, in the table's order: what a package uses comes before it.</summary>
    internal IReadOnlyList<Package> Packages { get; }

    /// <summary>Gets the C# files of the packages.</summary>
    internal IEnumerable<SourceFile> Sources => Files.Where(file => file.IsCSharp && file.Path.StartsWith("src/", StringComparison.Ordinal));

    internal static Repository Load(string root) => new(
        Paths(root)
            .Where(path => File.Exists(Path.Combine(root, path)))
            .Select(path => new SourceFile(path, File.ReadAllText(Path.Combine(root, path))))
            .Where(file => !file.Text.Contains('\0', StringComparison.Ordinal)),
        PackageTable.All);

    private Package? AddPackage(PackageTable table)
    {
        var folder = $"src/{table.Name}/";
        var files = Files.Where(file => file.IsCSharp && file.Path.StartsWith(folder, StringComparison.Ordinal)).ToArray();
        if (files.Length == 0)
        {
            return null;
        }

        var project = Files.FirstOrDefault(file => file.Path == $"{folder}{table.Name}.csproj");
        var uses = project is null ? [] : XElement.Parse(project.Text).Descendants("ProjectReference").Select(use => Path.GetFileNameWithoutExtension(use.Attribute("Include")!.Value));
        return _packages[table.Name] = new(table, files, project, [.. uses.Select(use => _packages.GetValueOrDefault(use)).OfType<Package>()]);
    }

    // A directory that is not the top of a repository of its own is read as it is.
    private static IEnumerable<string> Paths(string root)
    {
        if (!Path.Exists(Path.Combine(root, ".git")))
        {
            return Directory.EnumerateFiles(root, "*", SearchOption.AllDirectories)
                .Select(path => Path.GetRelativePath(root, path))
                .Where(path => !path.Split('/').Any(word => word is "bin" or "obj" or ".git"));
        }

        string[] arguments = ["-C", root, "ls-files", "-z", "--cached", "--others", "--exclude-standard"];
        using var git = Process.Start(new ProcessStartInfo("git", arguments) { UseShellExecute = false, RedirectStandardOutput = true })!;
        var output = git.StandardOutput.ReadToEnd();
        git.WaitForExit();
        return git.ExitCode == 0
            ? output.Split('\0', StringSplitOptions.RemoveEmptyEntries).Distinct(StringComparer.Ordinal)
            : throw new InvalidOperationException($"git ls-files ended with {git.ExitCode}.");
    }
}
