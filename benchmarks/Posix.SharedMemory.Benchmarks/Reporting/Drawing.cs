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
            .back { fill: #f6f8fa; } text { fill: #1f2328; font: 13px system-ui, -apple-system, "Segoe UI", Helvetica, Arial, "DejaVu Sans", sans-serif; }
            text.dim { fill: #59636e; } text.bold { font-weight: 600; } line.grid { stroke: #d0d7de; } line.unit { stroke: #59636e; stroke-width: 1.5; }
            .ours { fill: #0969da; stroke: #0969da; } .base { fill: #bc4c00; stroke: #bc4c00; } .c1 { fill: #8250df; stroke: #8250df; }
            .c2 { fill: #1b7c83; stroke: #1b7c83; } .c3 { fill: #57606a; stroke: #57606a; }
            @media (prefers-color-scheme: dark) {
            .back { fill: #161b22; } text { fill: #e6edf3; } text.dim { fill: #9198a1; } line.grid { stroke: #30363d; } line.unit { stroke: #9198a1; }
            .ours { fill: #79c0ff; stroke: #79c0ff; } .base { fill: #f0883e; stroke: #f0883e; } .c1 { fill: #d2a8ff; stroke: #d2a8ff; }
            .c2 { fill: #56d4dd; stroke: #56d4dd; } .c3 { fill: #9ea7b3; stroke: #9ea7b3; }
            }
            text { stroke: none !important; } polyline { fill: none !important; stroke-width: 2; } polyline.ours { stroke-width: 3; }
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
