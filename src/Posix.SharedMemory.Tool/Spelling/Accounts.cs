using System.Globalization;

namespace Posix.SharedMemory.Tool;

/// <summary>Names of users and groups, from the files that every Unix has; numbers for those that only a directory service knows.</summary>
internal sealed class Accounts
{
    internal static readonly Accounts Users = new("/etc/passwd");
    internal static readonly Accounts Groups = new("/etc/group");

    private readonly Lazy<Dictionary<uint, string>> _names;

    private Accounts(string path) => _names = new(() => Load(path), isThreadSafe: false);

    internal string NameOf(uint number) => _names.Value.TryGetValue(number, out var name) ? name : number.ToString(CultureInfo.InvariantCulture);

    /// <summary>Reads a name or a number.</summary>
    /// <returns><see langword="null"/>, with the reason, where nobody has the name.</returns>
    internal uint? Read(string text, out string? objection)
    {
        objection = null;
        if (uint.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var number))
        {
            return number;
        }

        foreach (var (known, name) in _names.Value)
        {
            if (name == text)
            {
                return known;
            }
        }

        objection = $"'{text}' is no user here";
        return null;
    }

    // name:password:number:…
    private static Dictionary<uint, string> Load(string path)
    {
        var names = new Dictionary<uint, string>();
        try
        {
            foreach (var line in File.ReadLines(path))
            {
                if (line.Split(':') is [{ Length: > 0 } name, _, var number, ..]
                    && uint.TryParse(number, NumberStyles.None, CultureInfo.InvariantCulture, out var parsed))
                {
                    names.TryAdd(parsed, name);
                }
            }
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // Numbers are names enough.
            names.Clear();
        }

        return names;
    }
}
