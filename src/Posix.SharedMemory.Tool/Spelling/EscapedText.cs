using System.Buffers;
using System.Globalization;
using System.Text;

namespace Posix.SharedMemory.Tool;

/// <summary>Bytes as one line of printable text, and back: names may contain anything but a slash and a NUL.</summary>
/// <remarks>
/// What is invisible, or would control a terminal, is written <c>\n</c>, <c>\t</c>, <c>\r</c> or <c>\xNN</c>, and a backslash is doubled; in names,
/// <c>*</c> and <c>?</c> get a backslash in front. The command reads names as it prints them, so every printed name can be passed back, even where a pattern is expected.
/// </remarks>
internal static class EscapedText
{
    /// <summary>The bytes that are printed as they are.</summary>
    private static readonly SearchValues<byte> s_plain = SearchValues.Create(
        "!\"#$%&'()*+,-./0123456789:;<=>?@ABCDEFGHIJKLMNOPQRSTUVWXYZ[]^_`abcdefghijklmnopqrstuvwxyz{|}~"u8);

    /// <summary>The name of an object.</summary>
    internal static string OfName(ReadOnlySpan<byte> name) =>
        Of(name).Replace("*", @"\*", StringComparison.Ordinal).Replace("?", @"\?", StringComparison.Ordinal);

    internal static string Of(ReadOnlySpan<byte> bytes)
    {
        if (!bytes.ContainsAnyExcept(s_plain))
        {
            return Encoding.ASCII.GetString(bytes);
        }

        var text = new StringBuilder(bytes.Length);
        for (var rest = bytes; !rest.IsEmpty;)
        {
            // A space at either end would be invisible.
            var isEnd = rest.Length is 1 || rest.Length == bytes.Length;
            var isText = Rune.DecodeFromUtf8(rest, out var rune, out var taken) == OperationStatus.Done;
            if (isText && Shows(rune) && !(isEnd && rune.Value == ' '))
            {
                text.Append(rune.Value == '\\' ? @"\\" : rune.ToString());
            }
            else
            {
                foreach (var value in rest[..taken])
                {
                    text.Append(value switch
                    {
                        (byte)'\n' => @"\n",
                        (byte)'\t' => @"\t",
                        (byte)'\r' => @"\r",
                        _ => string.Create(CultureInfo.InvariantCulture, $@"\x{value:X2}"),
                    });
                }
            }

            rest = rest[taken..];
        }

        return text.ToString();
    }

    internal static string Of(string text) => Of(Encoding.UTF8.GetBytes(text));

    /// <summary>Foreign text in one of our lines: without anything that a terminal would obey, backslashes unchanged.</summary>
    internal static string InLine(string text) => InLine(Encoding.UTF8.GetBytes(text));

    /// <inheritdoc cref="InLine(string)"/>
    internal static string InLine(ReadOnlySpan<byte> bytes) => Of(bytes).Replace(@"\\", @"\", StringComparison.Ordinal);

    /// <summary>Reads what <see cref="OfName"/> writes.</summary>
    /// <returns><see langword="null"/>, with the reason, if the text is not spelled that way.</returns>
    internal static byte[]? Read(string text, out string? objection)
    {
        objection = null;
        var bytes = new List<byte>(text.Length);
        Span<byte> encoded = stackalloc byte[4];
        for (var at = 0; at < text.Length; at++)
        {
            if (text[at] != '\\')
            {
                if (!Rune.TryGetRuneAt(text, at, out var rune) || rune.Value == Rune.ReplacementChar.Value)
                {
                    objection = @"write bytes that are not UTF-8 as \xNN";
                    return null;
                }

                bytes.AddRange(encoded[..rune.EncodeToUtf8(encoded)]);
                at += rune.Utf16SequenceLength - 1;
                continue;
            }

            var escaped = text.AsSpan(at + 1);
            if (escaped.StartsWith("x") && byte.TryParse(escaped.Slice(1, Math.Min(2, escaped.Length - 1)), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out var value)
                && escaped.Length >= 3)
            {
                bytes.Add(value);
                at += 3;
            }
            else if (!escaped.IsEmpty && @"\*?ntr".Contains(escaped[0], StringComparison.Ordinal))
            {
                bytes.Add(escaped[0] switch { 'n' => (byte)'\n', 't' => (byte)'\t', 'r' => (byte)'\r', var itself => (byte)itself });
                at++;
            }
            else
            {
                objection = @"a backslash must be part of \\, \*, \?, \n, \t, \r or \xNN";
                return null;
            }
        }

        return [.. bytes];
    }

    private static bool Shows(Rune rune) => Rune.GetUnicodeCategory(rune) is not (
        UnicodeCategory.Control or UnicodeCategory.Format or UnicodeCategory.Surrogate or UnicodeCategory.OtherNotAssigned
        or UnicodeCategory.LineSeparator or UnicodeCategory.ParagraphSeparator);
}
