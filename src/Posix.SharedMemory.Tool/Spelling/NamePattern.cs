using System.Buffers;
using System.IO.Enumeration;
using System.Text;

namespace Posix.SharedMemory.Tool;

/// <summary>Names by a pattern with <c>*</c> and <c>?</c>, or one name where neither is in it; with a backslash in front they are these characters themselves.</summary>
internal sealed class NamePattern
{
    private readonly string _given;
    private readonly string _expression;
    private readonly GivenName? _name;

    private NamePattern(string given, string expression, GivenName? name)
    {
        _given = given;
        _expression = expression;
        _name = name;
    }

    /// <summary>Reads a pattern.</summary>
    /// <returns><see langword="null"/>, with the reason, where no object can have such a name.</returns>
    internal static NamePattern? Read(string text, out string? objection)
    {
        var bare = text.TrimStart('/');
        var expression = new StringBuilder();
        var isOneName = true;
        for (var at = 0; at < bare.Length;)
        {
            var end = EndOfLiteral(bare, at);
            if (EscapedText.Read(bare[at..end], out objection) is not { } literal)
            {
                return null;
            }

            AppendLiteral(expression, literal);
            if (end < bare.Length)
            {
                expression.Append(bare[end]);
                isOneName = false;
            }

            at = end + 1;
        }

        if (isOneName)
        {
            return GivenName.Read(text, out objection) is { } name ? new(bare, "", name) : null;
        }

        objection = bare.Contains('/', StringComparison.Ordinal) ? "a name may not hold a slash, except in front" : null;
        return objection is null ? new(bare, expression.ToString(), null) : null;
    }

    /// <summary>Gets whether it means one name.</summary>
    internal bool IsOneName => _name is not null;

    /// <summary>Gets the one name.</summary>
    internal GivenName Name => _name ?? throw new InvalidOperationException("A pattern is not one name.");

    internal bool Matches(SharedMemoryEntry entry) =>
        _name is null
            ? FileSystemName.MatchesSimpleExpression(_expression, Characters(entry.NameBytes.Span), ignoreCase: false)
            : entry.NameBytes.Span.SequenceEqual(_name.Bytes);

    /// <summary>The pattern as it was given.</summary>
    public override string ToString() => EscapedText.InLine(_given);

    private static int EndOfLiteral(string text, int at)
    {
        while (at < text.Length && text[at] is not ('*' or '?'))
        {
            at += text[at] == '\\' ? 2 : 1;
        }

        return Math.Min(at, text.Length);
    }

    // The matcher takes the character behind a backslash as itself.
    private static void AppendLiteral(StringBuilder expression, ReadOnlySpan<byte> literal)
    {
        foreach (var character in Characters(literal))
        {
            expression.Append(character is '*' or '?' or '\\' ? "\\" : "").Append(character);
        }
    }

    /// <summary>A name as the matcher compares it: a byte that is no UTF-8 becomes half of a surrogate pair, which is in no text.</summary>
    private static string Characters(ReadOnlySpan<byte> name)
    {
        const char Odd = '\uDC00';
        var characters = new StringBuilder(name.Length);
        while (!name.IsEmpty)
        {
            var isText = Rune.DecodeFromUtf8(name, out var rune, out var taken) == OperationStatus.Done;
            if (isText)
            {
                characters.Append(rune);
            }
            else
            {
                foreach (var value in name[..taken])
                {
                    characters.Append((char)(Odd + value));
                }
            }

            name = name[taken..];
        }

        return characters.ToString();
    }
}
