using System.IO.Enumeration;

namespace Posix.SharedMemory.Tool;

/// <summary>Names by a pattern with <c>*</c> and <c>?</c>, or one name where neither is in it; <c>\x2A</c> and <c>\x3F</c> are these characters themselves.</summary>
internal sealed class NamePattern
{
    private readonly string _expression;
    private readonly GivenName? _name;

    private NamePattern(string expression, GivenName? name)
    {
        _expression = expression;
        _name = name;
    }

    /// <summary>Reads a pattern.</summary>
    /// <returns><see langword="null"/>, with the reason, where no object can have such a name.</returns>
    internal static NamePattern? Read(string text, out string? objection)
    {
        var bare = text.TrimStart('/');
        if (!bare.AsSpan().ContainsAny('*', '?'))
        {
            return GivenName.Read(text, out objection) is { } name ? new(bare, name) : null;
        }

        objection = bare.Contains('/', StringComparison.Ordinal) ? "a name may not hold a slash, except in front" : null;
        return objection is null ? new(bare, null) : null;
    }

    /// <summary>Gets whether it means one name.</summary>
    internal bool IsOneName => _name is not null;

    /// <summary>Gets the one name.</summary>
    internal GivenName Name => _name ?? throw new InvalidOperationException("A pattern is not one name.");

    internal bool Matches(SharedMemoryEntry entry) =>
        _name is null
            ? FileSystemName.MatchesSimpleExpression(Doubled(_expression), EscapedText.Of(entry.NameBytes.Span), ignoreCase: false)
            : entry.NameBytes.Span.SequenceEqual(_name.Bytes);

    public override string ToString() => EscapedText.Of(_expression);

    // Names are compared as they are printed, and so is the pattern: its backslashes are those of the escapes, not signs for the matcher.
    private static string Doubled(string expression) => expression.Replace(@"\", @"\\", StringComparison.Ordinal);
}
