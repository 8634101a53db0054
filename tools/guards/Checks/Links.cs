using System.Text.RegularExpressions;

namespace Guards.Checks;

/// <summary>Links in pages, to files of the repository and to headings in them.</summary>
internal static class Links
{
    internal static IEnumerable<Finding> LeadSomewhere(Repository repository)
    {
        var files = repository.Files.ToDictionary(file => file.Path, StringComparer.Ordinal);
        var folders = repository.Files.SelectMany(file => Parents(file.Path)).ToHashSet(StringComparer.Ordinal);
        foreach (var file in repository.Files.Where(file => file.Path.EndsWith(".md", StringComparison.Ordinal)))
        {
            // The text of docs/benchmarks.md, kept beside the program that fills it in.
            var home = file.Path.EndsWith("Benchmarks/report.md", StringComparison.Ordinal) || file.Path.EndsWith("Benchmarks/tables.md", StringComparison.Ordinal) ? "docs" : Path.GetDirectoryName(file.Path)!;
            foreach (Match match in Regex.Matches(Pages.WithoutCode(file.Text), @"\]\((?<path>[^)#\s:]*)(#(?<heading>[^)\s]*))?\)"))
            {
                var path = match.Groups["path"].Value is { Length: > 0 } given ? Resolve(home, given) : file.Path;
                var heading = match.Groups["heading"].Value;
                if (!files.ContainsKey(path) && !folders.Contains(path))
                {
                    yield return file.At(match.Index, $"{match.Groups["path"].Value} is not in the repository");
                }
                else if (heading.Length > 0 && path.EndsWith(".md", StringComparison.Ordinal) && !Pages.Anchors(files[path].Text).Contains(heading))
                {
                    yield return file.At(match.Index, $"{path} has no heading #{heading}");
                }
            }
        }
    }

    private static string Resolve(string home, string path)
    {
        var words = new List<string>(home.Split('/', StringSplitOptions.RemoveEmptyEntries));
        foreach (var word in path.TrimEnd('/').Split('/'))
        {
            if (word == ".." && words.Count > 0)
            {
                words.RemoveAt(words.Count - 1);
            }
            else if (word is not ("." or ".."))
            {
                words.Add(Uri.UnescapeDataString(word));
            }
        }

        return string.Join('/', words);
    }

    private static IEnumerable<string> Parents(string path)
    {
        for (var parent = Path.GetDirectoryName(path); !string.IsNullOrEmpty(parent); parent = Path.GetDirectoryName(parent))
        {
            yield return parent;
        }
    }
}
