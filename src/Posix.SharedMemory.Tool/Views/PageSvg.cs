using System.Globalization;
using System.Security;
using System.Text;

namespace Posix.SharedMemory.Tool;

/// <summary>Draws the pages of an object as a picture for a report: scalable, and legible on a light or dark background.</summary>
internal static class PageSvg
{
    private const int Columns = 64, MostLines = 32, Cell = 12, Left = 110, Top = 56, LineHeight = 20;

    // The colours of Okabe and Ito, which colour-blind people can tell apart.
    private const string Style = """
        text{font:13px ui-monospace,Menlo,Consolas,monospace;fill:#24292f}
        .title{font-weight:bold;font-size:15px}.quiet{fill:#57606a}
        .paper{fill:#ffffff}.absent{fill:#eaeef2}.partly{fill:#e69f00}.present{fill:#56b4e9}.resident{fill:#009e73}.huge{fill:#0072b2}.swapped{fill:#d55e00}
        @media(prefers-color-scheme:dark){text{fill:#e6edf3}.quiet{fill:#9198a1}.paper{fill:#0d1117}.absent{fill:#262c36}}
        """;

    internal static string Of(PageSurvey survey)
    {
        long bytesEach = PageSurvey.PageSize;
        while ((survey.Length - 1) / (Columns * MostLines) >= bytesEach)
        {
            bytesEach *= 2;
        }

        var kinds = survey.Divide(bytesEach);
        var legend = PageLegend.Of(survey, kinds);
        var lines = (kinds.Length + Columns - 1) / Columns;
        var below = Top + (lines * Cell) + 28;
        var unknown = PageLegend.Unknown(survey);
        var width = Left + (Columns * Cell) + 24;
        var height = below + ((legend.Count + (unknown is null ? 0 : 1)) * LineHeight) + 4;

        var svg = new StringBuilder();
        Add(svg, $"<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{width}\" height=\"{height}\" viewBox=\"0 0 {width} {height}\" role=\"img\">\n");
        Add(svg, $"<title>Pages of {Escape(survey.Name)}</title>\n<style>\n{Style}\n</style>\n");
        Add(svg, $"<rect class=\"paper\" width=\"{width}\" height=\"{height}\"/>\n");
        Add(svg, $"<text class=\"title\" x=\"16\" y=\"24\">{Escape(survey.Name)}</text>\n");
        Add(svg, $"<text class=\"quiet\" x=\"16\" y=\"44\">{PagePicture.Title(survey)}; each square is {ByteSize.Count(bytesEach / PageSurvey.PageSize, "page")}, {ByteSize.Short(bytesEach)}</text>\n");
        for (var line = 0; line < lines; line++)
        {
            var y = Top + (line * Cell);
            if (line % 4 == 0)
            {
                Add(svg, $"<text class=\"quiet\" x=\"{Left - 8}\" y=\"{y + Cell - 2}\" text-anchor=\"end\">0x{line * Columns * bytesEach:x}</text>\n");
            }

            AddCells(svg, kinds.AsSpan(line * Columns, Math.Min(Columns, kinds.Length - (line * Columns))), y);
        }

        for (var at = 0; at < legend.Count; at++)
        {
            var (y, sum) = (below + (at * LineHeight), legend[at].Sum(survey));
            Add(svg, $"<rect class=\"{ClassOf(legend[at].Kind)}\" x=\"16\" y=\"{y - 10}\" width=\"{Cell - 1}\" height=\"{Cell - 1}\"/>");
            Add(svg, $"<text x=\"36\" y=\"{y}\">{legend[at].Meaning}{(sum.Length == 0 ? "" : $" ({sum})")}</text>\n");
        }

        if (unknown is not null)
        {
            Add(svg, $"<text class=\"quiet\" x=\"16\" y=\"{below + (legend.Count * LineHeight)}\">{unknown}</text>\n");
        }

        return svg.Append("</svg>\n").ToString();
    }

    // Neighbours of one kind are one shape with a line between its squares.
    private static void AddCells(StringBuilder svg, ReadOnlySpan<PageKind> kinds, int y)
    {
        for (var at = 0; at < kinds.Length;)
        {
            var rest = kinds[at..];
            var same = rest.IndexOfAnyExcept(rest[0]) is var end and >= 0 ? end : rest.Length;
            Add(svg, $"<path class=\"{ClassOf(rest[0])}\" d=\"");
            for (var cell = at; cell < at + same; cell++)
            {
                Add(svg, $"M{Left + (cell * Cell)} {y}h{Cell - 1}v{Cell - 1}h-{Cell - 1}z");
            }

            svg.Append("\"/>\n");
            at += same;
        }
    }

    private static string ClassOf(PageKind kind) => kind switch
    {
        PageKind.Absent => "absent",
        PageKind.Partly => "partly",
        PageKind.Present => "present",
        PageKind.Resident => "resident",
        PageKind.Huge => "huge",
        _ => "swapped",
    };

    private static string Escape(string text) => SecurityElement.Escape(text);

    private static void Add(StringBuilder svg, FormattableString text) => svg.Append(text.ToString(CultureInfo.InvariantCulture));
}
