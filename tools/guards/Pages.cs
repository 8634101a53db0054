using System.Text.RegularExpressions;

namespace Guards;

/// <summary>What Markdown pages consist of.</summary>
internal static class Pages
{
    /// <summary>A page with its code blanked, so that an index means the same place in both.</summary>
    internal static string WithoutCode(string page) =>
        Regex.Replace(page, @"^[ ]*```.*?^[ ]*```|`[^`\n]*`", code => Regex.Replace(code.Value, @"[^\n]", " "), RegexOptions.Multiline | RegexOptions.Singleline);

    /// <summary>The names by which links lead to the headings of a page.</summary>
    internal static HashSet<string> Anchors(string page)
    {
        var anchors = new HashSet<string>(StringComparer.Ordinal);
        var withoutFences = Regex.Replace(page, @"^[ ]*```.*?^[ ]*```", "", RegexOptions.Multiline | RegexOptions.Singleline);
        foreach (Match heading in Regex.Matches(withoutFences, @"^#+[ ]+(?<text>.+)$", RegexOptions.Multiline))
        {
            var text = Regex.Replace(heading.Groups["text"].Value.Trim(), @"\[([^\]]*)\]\([^)]*\)", "$1");
            var anchor = Regex.Replace(text.ToLowerInvariant(), @"[^\w\- ]", "").Replace(' ', '-');
            for (var i = 0; !anchors.Add(i == 0 ? anchor : $"{anchor}-{i}"); i++)
            {
            }
        }

        return anchors;
    }
}
