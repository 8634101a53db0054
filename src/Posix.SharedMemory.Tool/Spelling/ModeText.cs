using System.Globalization;

namespace Posix.SharedMemory.Tool;

/// <summary>Permissions as people write them: <c>0640</c>, <c>u=rw,g+r</c>; and as <c>ls</c> shows them: <c>rw-r-----</c>.</summary>
internal static class ModeText
{
    private const int EveryBit = 0xFFF;

    /// <summary>Reads permissions.</summary>
    /// <returns>A function from the old permissions to the new ones; <see langword="null"/>, with the reason, if the text is not a valid mode.</returns>
    internal static Func<UnixFileMode, UnixFileMode>? Read(string text, out string? objection)
    {
        objection = $"'{EscapedText.Of(text)}' is not a valid mode; examples: 0640, u=rw,g+r,o-w";
        // 02660 is as common as 2660.
        if ((text.Length is > 0 and <= 4 || text is ['0', _, _, _, _]) && text.All(c => c is >= '0' and <= '7'))
        {
            objection = null;
            var bits = (UnixFileMode)Convert.ToInt32(text, 8);
            return _ => bits;
        }

        var changes = new List<Func<int, int>>();
        foreach (var clause in text.Split(','))
        {
            if (ReadClause(clause) is not { } change)
            {
                return null;
            }

            changes.Add(change);
        }

        objection = null;
        return old => (UnixFileMode)changes.Aggregate((int)old, (bits, change) => change(bits));
    }

    /// <summary>The bits as a number of four octal digits.</summary>
    internal static string Octal(UnixFileMode mode) => Convert.ToString((int)mode & EveryBit, 8).PadLeft(4, '0');

    /// <summary>The bits as nine letters; set-user, set-group and sticky replace the x of their group.</summary>
    internal static string Letters(UnixFileMode mode)
    {
        Span<char> letters = stackalloc char[9];
        for (var bit = 0; bit < 9; bit++)
        {
            letters[8 - bit] = ((int)mode >> bit & 1) == 0 ? '-' : "xwr"[bit % 3];
        }

        Mark(letters, 2, mode.HasFlag(UnixFileMode.SetUser), 's');
        Mark(letters, 5, mode.HasFlag(UnixFileMode.SetGroup), 's');
        Mark(letters, 8, mode.HasFlag(UnixFileMode.StickyBit), 't');
        return new(letters);
    }

    private static void Mark(Span<char> letters, int at, bool isSet, char mark)
    {
        if (isSet)
        {
            letters[at] = letters[at] == 'x' ? mark : char.ToUpper(mark, CultureInfo.InvariantCulture);
        }
    }

    // Who, one of + - =, and which: u=rw, go-w, +x.
    private static Func<int, int>? ReadClause(string clause)
    {
        var sign = clause.AsSpan().IndexOfAny("+-=");
        if (sign < 0 || clause.AsSpan(0, sign).ContainsAnyExcept("ugoa") || clause.AsSpan(sign + 1).ContainsAnyExcept("rwx"))
        {
            return null;
        }

        int who = 0, which = 0;
        foreach (var letter in sign == 0 ? "a" : clause[..sign])
        {
            who |= letter switch { 'u' => 0x1C0, 'g' => 0x38, 'o' => 0x7, _ => 0x1FF };
        }

        foreach (var letter in clause[(sign + 1)..])
        {
            which |= letter switch { 'r' => 0x124, 'w' => 0x92, _ => 0x49 };
        }

        var act = clause[sign];
        return bits => act switch
        {
            '+' => bits | (who & which),
            '-' => bits & ~(who & which),
            _ => bits & ~who | (who & which),
        };
    }
}
