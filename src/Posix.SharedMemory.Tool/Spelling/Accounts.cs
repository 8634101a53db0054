using System.Globalization;

namespace Posix.SharedMemory.Tool;

/// <summary>Names of users and groups: from the files that every Unix has, and from a directory service if the system has one.</summary>
internal sealed class Accounts
{
    internal static readonly Accounts Users = new("passwd");
    internal static readonly Accounts Groups = new("group");

    private readonly string _database;
    private readonly Lazy<Dictionary<uint, string>> _names;

    /// <summary>Numbers and names that were looked up in vain.</summary>
    private readonly HashSet<string> _unknown = new(StringComparer.Ordinal);

    private Accounts(string database)
    {
        _database = database;
        _names = new(() => Parse(Lines($"/etc/{database}")), isThreadSafe: false);
    }

    internal string NameOf(uint number)
    {
        if (!_names.Value.ContainsKey(number))
        {
            Learn([number]);
        }

        return _names.Value.TryGetValue(number, out var name) ? name : Text(number);
    }

    /// <summary>Looks up many names at once: each request to the service takes time.</summary>
    internal void Learn(IEnumerable<uint> numbers) => Ask([.. numbers.Where(number => !_names.Value.ContainsKey(number)).Distinct().Select(Text)]);

    /// <summary>Reads a name or a number.</summary>
    /// <returns><see langword="null"/>, with the reason, if there is no such account.</returns>
    internal uint? Read(string text, out string? objection)
    {
        objection = null;
        if (uint.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var number))
        {
            return number;
        }

        if (NumberOf(text) is { } found)
        {
            return found;
        }

        // A dash would start an option of getent.
        Ask(text is ['-', ..] ? [] : [text]);
        var late = NumberOf(text);
        objection = late is null ? $"no {(_database == "passwd" ? "user" : "group")} is called '{EscapedText.Of(text)}'" : null;
        return late;
    }

    private uint? NumberOf(string text)
    {
        foreach (var (number, name) in _names.Value)
        {
            if (name == text)
            {
                return number;
            }
        }

        return null;
    }

    private void Ask(IReadOnlyList<string> keys)
    {
        var asked = keys.Where(_unknown.Add).ToList();
        if (asked.Count > 0)
        {
            foreach (var (number, name) in Parse(NameService.Ask(_database, asked)))
            {
                _names.Value.TryAdd(number, name);
            }
        }
    }

    private static string Text(uint number) => number.ToString(CultureInfo.InvariantCulture);

    // name:password:number:…
    private static Dictionary<uint, string> Parse(IEnumerable<string> lines)
    {
        var names = new Dictionary<uint, string>();
        foreach (var line in lines)
        {
            if (line.Split(':') is [{ Length: > 0 } name, _, var number, ..]
                && uint.TryParse(number, NumberStyles.None, CultureInfo.InvariantCulture, out var parsed))
            {
                names.TryAdd(parsed, name);
            }
        }

        return names;
    }

    private static string[] Lines(string path)
    {
        try
        {
            return File.ReadAllText(path).Split('\n');
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // Numbers are shown instead of names.
            return [];
        }
    }
}
