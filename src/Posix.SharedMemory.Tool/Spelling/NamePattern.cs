using System.Buffers;
using System.Text;

namespace Posix.SharedMemory.Tool;

/// <summary>A pattern of names with <c>*</c> and <c>?</c>, or one name if it contains neither; with a backslash in front they stand for themselves.</summary>
internal sealed class NamePattern
{
    // In an expression, these stand for ? and *. A character is its code point; a byte that is not UTF-8 is a number past all code points.
    private const int AnyOne = -1, Any = -2, Odd = 0x110000;

    private readonly string _given;
    private readonly int[] _expression;
    private readonly GivenName? _name;

    private NamePattern(string given, int[] expression, GivenName? name)
    {
        _given = given;
        _expression = expression;
        _name = name;
    }

    /// <summary>Reads a pattern.</summary>
    /// <returns><see langword="null"/>, with the reason, if no object can have such a name.</returns>
    internal static NamePattern? Read(string text, out string? objection)
    {
        var bare = GivenName.WithoutDirectory(text);
        var expression = new List<int>();
        var isOneName = true;
        for (var at = 0; at < bare.Length;)
        {
            var end = EndOfLiteral(bare, at);
            if (EscapedText.Read(bare[at..end], out objection) is not { } literal)
            {
                return null;
            }

            expression.AddRange(Characters(literal));
            if (end < bare.Length)
            {
                expression.Add(bare[end] == '*' ? Any : AnyOne);
                isOneName = false;
            }

            at = end + 1;
        }

        if (isOneName)
        {
            return GivenName.Read(text, out objection) is { } name ? new(bare, [], name) : null;
        }

        objection = bare.Contains('/', StringComparison.Ordinal) ? GivenName.SlashObjection : null;
        return objection is null ? new(bare, [.. expression], null) : null;
    }

    /// <summary>Gets whether it is one name, without wildcards.</summary>
    internal bool IsOneName => _name is not null;

    /// <summary>Gets that one name.</summary>
    internal GivenName Name => _name ?? throw new InvalidOperationException("A pattern is not one name.");

    internal bool Matches(SharedMemoryEntry entry) =>
        _name is null
            ? Matches(_expression, [.. Characters(entry.NameBytes.Span)])
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

    private static bool Matches(ReadOnlySpan<int> expression, ReadOnlySpan<int> name)
    {
        // On a mismatch, the last star takes one more character.
        int at = 0, named = 0, star = -1, afterStar = 0;
        while (named < name.Length)
        {
            if (at < expression.Length && expression[at] == Any)
            {
                (star, afterStar) = (at++, named);
            }
            else if (at < expression.Length && (expression[at] == AnyOne || expression[at] == name[named]))
            {
                at++;
                named++;
            }
            else if (star >= 0)
            {
                (at, named) = (star + 1, ++afterStar);
            }
            else
            {
                return false;
            }
        }

        return expression[at..].IndexOfAnyExcept(Any) < 0;
    }

    private static List<int> Characters(ReadOnlySpan<byte> name)
    {
        var characters = new List<int>(name.Length);
        while (!name.IsEmpty)
        {
            if (Rune.DecodeFromUtf8(name, out var rune, out var taken) == OperationStatus.Done)
            {
                characters.Add(rune.Value);
            }
            else
            {
                foreach (var value in name[..taken])
                {
                    characters.Add(Odd + value);
                }
            }

            name = name[taken..];
        }

        return characters;
    }
}
