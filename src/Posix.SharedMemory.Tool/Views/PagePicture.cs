using System.Globalization;
using System.Text;

namespace Posix.SharedMemory.Tool;

/// <summary>Draws the pages of an object as lines of characters that fit the given width.</summary>
internal sealed class PagePicture
{
    private const int MostLines = 16, WidthOfPipe = 80;

    private readonly PageSurvey _survey;
    private readonly int _columns;
    private readonly long _bytesEach;
    private readonly PageKind[] _kinds;

    internal PagePicture(PageSurvey survey, int width)
    {
        _survey = survey;
        var labels = Label(survey.Length).Length + 2;
        // Offsets of lines are easier to read if they are round: a multiple of sixteen characters, or eight if the terminal is narrow.
        var room = Math.Max(8, Math.Min(width == int.MaxValue ? WidthOfPipe : width, 150) - labels);
        _columns = room < 32 ? room / 8 * 8 : room / 16 * 16;
        _bytesEach = PageSurvey.PageSize;
        // A length may be the largest number there is: it must not be multiplied.
        while ((survey.Length - 1) / (_columns * MostLines) >= _bytesEach)
        {
            _bytesEach *= 2;
        }

        _kinds = survey.Divide(_bytesEach);
    }

    /// <summary>The picture, line by line.</summary>
    /// <param name="paint">Colours a piece of text.</param>
    internal IEnumerable<string> Lines(Func<string, Ink, string> paint)
    {
        yield return $"{paint(_survey.Name, Ink.Bold)}: {Title(_survey)}";
        if (_kinds.Length > 0)
        {
            yield return $"Each character is {ByteSize.Count(_bytesEach / PageSurvey.PageSize, "page")}, {ByteSize.Short(_bytesEach)}.";
            yield return "";
        }

        var legend = PageLegend.Of(_survey, _kinds);
        for (var at = 0; at < _kinds.Length; at += _columns)
        {
            var label = Label(at * _bytesEach).PadLeft(Label(_survey.Length).Length);
            yield return $"{paint(label, Ink.Dim)}  {Signs(paint, legend, _kinds.AsSpan(at, Math.Min(_columns, _kinds.Length - at)))}";
        }

        yield return "";
        foreach (var line in legend)
        {
            var sum = line.Sum(_survey);
            yield return $"{paint(line.Sign.ToString(), line.Ink)} {line.Meaning}{(sum.Length == 0 ? "" : $" ({sum})")}";
        }

        if (PageLegend.Unknown(_survey) is { } unknown)
        {
            yield return unknown;
        }
    }

    internal static string Title(PageSurvey survey) => string.Create(
        CultureInfo.InvariantCulture, $"{survey.Length} bytes, {ByteSize.Count(survey.Pages, "page")} of {PageSurvey.PageSize} bytes");

    private static string Label(long offset) => string.Create(CultureInfo.InvariantCulture, $"0x{offset:x}");

    // Neighbours of one kind are painted together: otherwise most of the output would be colours.
    private static string Signs(Func<string, Ink, string> paint, IReadOnlyList<PageLegend> legend, ReadOnlySpan<PageKind> kinds)
    {
        var signs = new StringBuilder();
        while (!kinds.IsEmpty)
        {
            var kind = kinds[0];
            var same = kinds.IndexOfAnyExcept(kind) is var end and >= 0 ? end : kinds.Length;
            var line = legend.First(line => line.Kind == kind);
            signs.Append(paint(new(line.Sign, same), line.Ink));
            kinds = kinds[same..];
        }

        return signs.ToString();
    }
}
