// Draws what a program printed on a terminal as an SVG that is readable in light and dark: COMMAND | dotnet run tools/terminal-svg.cs -- TITLE > FILE
// It knows text, line ends and colours (SGR); other control sequences are left out.
#:property PublishAot=false
#:property RunAnalyzers=false

using System.Globalization;
using System.Net;
using System.Text;
using System.Text.RegularExpressions;

const double CharacterWidth = 8.43, LineHeight = 18, Margin = 16, Bar = 30;
var title = args.Length > 0 ? args[0] : "";
var text = Console.In.ReadToEnd().Replace("\r", "");
text = Regex.Replace(text, @"\x1b\][^\a]*(\a|\x1b\\)|\x1b[=>]|\x1b\[[?>=]?[0-9;]*[A-Za-ln-z]", "");
var lines = text.TrimEnd('\n').Split('\n');
var width = (lines.Append("$ " + title).Max(line => Regex.Replace(line, @"\x1b\[[0-9;]*m", "").Length) * CharacterWidth) + (2 * Margin);
var height = ((lines.Length + 1) * LineHeight) + Margin + Bar;
var svg = new StringBuilder();
svg.Append(CultureInfo.InvariantCulture, $$"""
    <svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {{width:F0}} {{height:F0}}" width="{{width:F0}}" height="{{height:F0}}" role="img" aria-label="{{WebUtility.HtmlEncode(title)}}">
    <style>
    svg { --back: #f6f8fa; --text: #1f2328; --dim: #6e7781; --red: #cf222e; --green: #116329; --yellow: #7d4e00; --blue: #0969da; --magenta: #8250df; --cyan: #1b7c83; }
    @media (prefers-color-scheme: dark) { svg { --back: #161b22; --text: #e6edf3; --dim: #8b949e; --red: #ff7b72; --green: #56d364; --yellow: #e3b341; --blue: #79c0ff; --magenta: #d2a8ff; --cyan: #56d4dd; } }
    rect { fill: var(--back); } text { fill: var(--text); font: 14px ui-monospace, SFMono-Regular, Menlo, Consolas, "DejaVu Sans Mono", monospace; white-space: pre; }
    .dim, .c90 { fill: var(--dim); } .bold { font-weight: bold; } .inverse { text-decoration: underline; }
    .c31, .c91 { fill: var(--red); } .c32, .c92 { fill: var(--green); } .c33, .c93 { fill: var(--yellow); } .c34, .c94 { fill: var(--blue); } .c35, .c95 { fill: var(--magenta); } .c36, .c96 { fill: var(--cyan); }
    </style>
    <rect width="100%" height="100%" rx="8"/>

    """);
var y = Bar;
svg.Append(CultureInfo.InvariantCulture, $"""<text x="{Margin}" y="{y}" xml:space="preserve"><tspan class="dim">$ </tspan><tspan class="bold">{WebUtility.HtmlEncode(title)}</tspan></text>""").Append('\n');
var style = "";
foreach (var line in lines)
{
    y += (int)LineHeight;
    svg.Append(CultureInfo.InvariantCulture, $"""<text x="{Margin}" y="{y}" xml:space="preserve" textLength="{Regex.Replace(line, @"\x1b\[[0-9;]*m", "").Length * CharacterWidth:F1}" lengthAdjust="spacing">""");
    foreach (Match part in Regex.Matches(line, @"\x1b\[([0-9;]*)m|[^\x1b]+"))
    {
        if (part.Value[0] == '\x1b')
        {
            style = Style(part.Groups[1].Value, style);
        }
        else
        {
            svg.Append(style.Length == 0 ? WebUtility.HtmlEncode(part.Value) : $"""<tspan class="{style}">{WebUtility.HtmlEncode(part.Value)}</tspan>""");
        }
    }

    svg.Append("</text>\n");
}

svg.Append("</svg>\n");
Console.Out.Write(svg);

static string Style(string codes, string before)
{
    foreach (var code in codes.Split(';'))
    {
        before = code switch
        {
            "" or "0" => "",
            "1" => (before + " bold").Trim(),
            "2" => (before + " dim").Trim(),
            "7" => (before + " inverse").Trim(),
            "22" or "27" or "39" => "",
            ['3' or '9', >= '0' and <= '7'] => (before + " c" + code).Trim(),
            _ => before,
        };
    }

    return before;
}
