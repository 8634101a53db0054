using System.Buffers;
using System.Globalization;
using System.Numerics;

namespace Posix.SharedMemory.Tool;

/// <summary>Numbers of bytes as people write them: <c>4096</c>, <c>64K</c>, <c>1.5GiB</c>, <c>0x1000</c>. K is 1024, as in <c>ls</c> and <c>df</c>.</summary>
internal static class ByteSize
{
    private const string Units = "KMGTPE";

    private static readonly SearchValues<char> s_digits = SearchValues.Create("0123456789.");

    /// <summary>Reads a size.</summary>
    /// <returns><see langword="null"/>, with the reason, if the text is not a size.</returns>
    internal static long? Read(string text, out string? objection)
    {
        objection = null;
        if (text.StartsWith("0x", StringComparison.OrdinalIgnoreCase)
            && long.TryParse(text.AsSpan(2), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out var hexadecimal) && hexadecimal >= 0)
        {
            return hexadecimal;
        }

        var digits = text.AsSpan().IndexOfAnyExcept(s_digits);
        var number = digits < 0 ? text : text[..digits];
        var unit = digits < 0 ? "" : text[digits..];
        var power = unit.Length == 0 || unit is "B" ? 0
            : (unit.Length == 1 || unit[1..].Equals("iB", StringComparison.OrdinalIgnoreCase)) ? Units.IndexOf(char.ToUpperInvariant(unit[0]), StringComparison.Ordinal) + 1
            : -1;
        if (unit.Length > 0 && unit is not "B" && power <= 0
            || !decimal.TryParse(number, NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out var count))
        {
            objection = $"'{EscapedText.Of(text)}' is not a valid size; examples: 4096, 64K, 10M, 2G, 1.5GiB, 0x1000";
            return null;
        }

        // Beyond any length: the multiplication below could overflow too.
        var scale = (decimal)(1L << (10 * power));
        if (count > long.MaxValue / scale)
        {
            objection = $"'{EscapedText.Of(text)}' is larger than any object can be";
            return null;
        }

        var bytes = count * scale;
        if (bytes != decimal.Truncate(bytes))
        {
            objection = $"'{EscapedText.Of(text)}' is not a whole number of bytes";
            return null;
        }

        return (long)bytes;
    }

    /// <summary>A size in at most five characters, rounded up as <c>df -h</c> does: <c>0</c>, <c>999</c>, <c>1.5K</c>, <c>64M</c>.</summary>
    internal static string Short(long bytes)
    {
        if (bytes < 1024)
        {
            return bytes.ToString(CultureInfo.InvariantCulture);
        }

        var power = BitOperations.Log2((ulong)bytes) / 10;
        var unit = 1L << (10 * power);
        var (whole, rest) = Math.DivRem(bytes, unit);
        // Tenths only where they matter: 1.5K, but 64K and 2M.
        var tenths = whole * 10 + (long)(((ulong)rest * 10 + (ulong)unit - 1) / (ulong)unit);
        var shown = tenths % 10 == 0 || tenths >= 100 ? (tenths + 9) / 10 : 0;
        return shown switch
        {
            0 => string.Create(CultureInfo.InvariantCulture, $"{tenths / 10}.{tenths % 10}{Units[power - 1]}"),
            >= 1024 => $"1{Units[power]}",
            _ => string.Create(CultureInfo.InvariantCulture, $"{shown}{Units[power - 1]}"),
        };
    }

    /// <summary>A number with its noun: 1 object, 2 objects.</summary>
    internal static string Count(long count, string thing) => count == 1 ? $"1 {thing}" : $"{count} {thing}s";

    internal static string Exact(long bytes) => bytes.ToString(CultureInfo.InvariantCulture);
}
