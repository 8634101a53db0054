using System.Globalization;

namespace Posix.SharedMemory.Tool;

/// <summary>Draws the pages of an object as lines of signs, to the width there is.</summary>
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
        // Offsets of lines are easier to read when they are round: a multiple of sixteen signs, or eight where it is narrow.
        var room = Math.Max(8, Math.Min(width == int.MaxValue ? WidthOfPipe : width, 150) - labels);
        _columns = room < 32 ? room / 8 * 8 : room / 16 * 16;
        _bytesEach = PageSurvey.PageSize;
        while (survey.Length > _bytesEach * _columns * MostLines)
        {
            _bytesEach *= 2;
        }

        _kinds = survey.Divide(_bytesEach);
    }

    internal void WriteTo(Terminal terminal)
    {
        var output = terminal.Out;
        output.Write($"{terminal.Paint(_survey.Name, Ink.Bold)}: {Title(_survey)}\n");
        if (_kinds.Length > 0)
        {
            output.Write($"Each sign is {ByteSize.Count(_bytesEach / PageSurvey.PageSize, "page")}, {ByteSize.Short(_bytesEach)}.\n\n");
        }

        var legend = PageLegend.Of(_survey, _kinds);
        for (var at = 0; at < _kinds.Length; at += _columns)
        {
            output.Write($"{terminal.Paint(Label(at * _bytesEach).PadLeft(Label(_survey.Length).Length), Ink.Dim)}  ");
            WriteSigns(terminal, legend, _kinds.AsSpan(at, Math.Min(_columns, _kinds.Length - at)));
            output.Write('\n');
        }

        output.Write('\n');
        foreach (var line in legend)
        {
            var sum = line.Sum(_survey);
            output.Write($"{terminal.Paint(line.Sign.ToString(), line.Ink)} {line.Meaning}{(sum.Length == 0 ? "" : $" ({sum})")}\n");
        }

        if (PageLegend.Unknown(_survey) is { } unknown)
        {
            output.Write($"{unknown}\n");
        }
    }

    internal static string Title(PageSurvey survey) => string.Create(
        CultureInfo.InvariantCulture, $"{survey.Length} bytes, {ByteSize.Count(survey.Pages, "page")} of {PageSurvey.PageSize} bytes");

    private static string Label(long offset) => string.Create(CultureInfo.InvariantCulture, $"0x{offset:x}");

    // Neighbours of one kind are painted together: colours would else be most of the output.
    private static void WriteSigns(Terminal terminal, IReadOnlyList<PageLegend> legend, ReadOnlySpan<PageKind> kinds)
    {
        while (!kinds.IsEmpty)
        {
            var kind = kinds[0];
            var same = kinds.IndexOfAnyExcept(kind) is var end and >= 0 ? end : kinds.Length;
            var line = legend.First(line => line.Kind == kind);
            terminal.Out.Write(terminal.Paint(new(line.Sign, same), line.Ink));
            kinds = kinds[same..];
        }
    }
}
