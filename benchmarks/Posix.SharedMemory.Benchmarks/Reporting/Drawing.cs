using System.Globalization;
using System.Net;
using System.Text;

namespace Posix.SharedMemory.Benchmarks;

/// <summary>An SVG picture that is readable in light and dark. Colours are classes: ours, base, c1, c2, c3; text and dim for what is said about them.</summary>
internal sealed class Drawing
{
    private readonly StringBuilder _text = new();

    internal Drawing(int width, int height, string description)
    {
        _text.Append(CultureInfo.InvariantCulture, $$"""
            <svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {{width}} {{height}}" width="{{width}}" height="{{height}}" role="img" aria-label="{{WebUtility.HtmlEncode(description)}}">
            <style>
            svg { --back: #f6f8fa; --text: #1f2328; --dim: #6e7781; --grid: #d0d7de; --ours: #0969da; --base: #bc4c00; --c1: #8250df; --c2: #1b7c83; --c3: #57606a; }
            @media (prefers-color-scheme: dark) { svg { --back: #161b22; --text: #e6edf3; --dim: #8b949e; --grid: #30363d; --ours: #79c0ff; --base: #f0883e; --c1: #d2a8ff; --c2: #56d4dd; --c3: #8b949e; } }
            .back { fill: var(--back); } text { fill: var(--text); font: 13px system-ui, -apple-system, "Segoe UI", Helvetica, Arial, sans-serif; }
            text.dim { fill: var(--dim); } text.bold { font-weight: 600; } line.grid { stroke: var(--grid); } line.unit { stroke: var(--dim); stroke-width: 1.5; }
            .ours { fill: var(--ours); stroke: var(--ours); } .base { fill: var(--base); stroke: var(--base); } .c1 { fill: var(--c1); stroke: var(--c1); }
            .c2 { fill: var(--c2); stroke: var(--c2); } .c3 { fill: var(--c3); stroke: var(--c3); } text.ours, text.base, text.c1, text.c2, text.c3 { stroke: none; }
            polyline.ours, polyline.base, polyline.c1, polyline.c2, polyline.c3 { fill: none; stroke-width: 2; } polyline.ours { stroke-width: 3; }
            </style>
            <rect class="back" width="100%" height="100%" rx="8"/>

            """);
    }

    /// <param name="kind"><c>grid</c> or <c>unit</c>.</param>
    internal void Line(double x1, double y1, double x2, double y2, string kind) =>
        Add($"""<line class="{kind}" x1="{x1:F1}" y1="{y1:F1}" x2="{x2:F1}" y2="{y2:F1}"/>""");

    /// <param name="anchor"><c>start</c>, <c>middle</c> or <c>end</c>: which part of the text is at the point.</param>
    internal void Text(double x, double y, string text, string kind = "text", string anchor = "start") =>
        Add($"""<text class="{kind}" x="{x:F1}" y="{y:F1}" text-anchor="{anchor}">{WebUtility.HtmlEncode(text)}</text>""");

    internal void Circle(double x, double y, string kind) => Add($"""<circle class="{kind}" cx="{x:F1}" cy="{y:F1}" r="4.5"/>""");

    internal void Diamond(double x, double y, string kind) =>
        Add($"""<polygon class="{kind}" points="{x:F1},{y - 5:F1} {x + 5:F1},{y:F1} {x:F1},{y + 5:F1} {x - 5:F1},{y:F1}"/>""");

    internal void Curve(IEnumerable<(double X, double Y)> points, string kind) =>
        Add($"""<polyline class="{kind}" points="{string.Join(' ', points.Select(point => string.Create(CultureInfo.InvariantCulture, $"{point.X:F1},{point.Y:F1}")))}"/>""");

    public override string ToString() => _text + "</svg>\n";

    private void Add(FormattableString element) => _text.Append(element.ToString(CultureInfo.InvariantCulture)).Append('\n');
}
