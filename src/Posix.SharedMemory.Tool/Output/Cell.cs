using System.Globalization;

namespace Posix.SharedMemory.Tool;

/// <summary>A piece of text in a table, with its colour.</summary>
internal readonly record struct Cell(string Text, Ink Ink = Ink.Plain)
{
    public static implicit operator Cell(string text) => new(text);

    public static implicit operator Cell(long number) => new(number.ToString(CultureInfo.InvariantCulture));
}
