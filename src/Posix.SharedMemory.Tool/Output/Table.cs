namespace Posix.SharedMemory.Tool;

/// <summary>Rows under headings, one line each, as <c>ls -l</c> and <c>ps</c> print them: the last column is never cut.</summary>
/// <remarks>
/// Why not Spectre.Console's table: docs/decisions/0011-plain-tables.md.
/// </remarks>
internal sealed class Table(params Column[] columns)
{
    private const int Gap = 2;

    private readonly List<Cell[]> _rows = [];

    internal void Add(params ReadOnlySpan<Cell> cells) => _rows.Add(cells.ToArray());

    internal void WriteTo(Terminal terminal)
    {
        var widths = new int[columns.Length];
        for (var at = 0; at < columns.Length; at++)
        {
            widths[at] = Math.Max(columns[at].Title.Length, _rows.Count == 0 ? 0 : _rows.Max(row => row[at].Text.Length));
        }

        var shown = Enumerable.Range(0, columns.Length).ToList();
        for (var width = Terminal.Width; Sum(shown, widths) > width && shown.MaxBy(at => columns[at].Spare) is var most && columns[most].Spare > 0;)
        {
            shown.Remove(most);
        }

        Write(terminal, shown, widths, Array.ConvertAll(columns, column => new Cell(column.Title, Ink.Bold)));
        foreach (var row in _rows)
        {
            Write(terminal, shown, widths, row);
        }
    }

    private static int Sum(List<int> shown, int[] widths) => shown.Sum(at => widths[at] + Gap) - Gap;

    private void Write(Terminal terminal, List<int> shown, int[] widths, Cell[] row)
    {
        var line = terminal.Out;
        foreach (var at in shown)
        {
            var (text, ink) = row[at];
            var padding = widths[at] - text.Length;
            if (columns[at].IsNumber)
            {
                Pad(line, padding);
                padding = 0;
            }

            line.Write(terminal.Paint(text, ink));
            Pad(line, at == shown[^1] ? 0 : padding + Gap);
        }

        line.Write('\n');
    }

    private static void Pad(TextWriter line, int count)
    {
        for (; count > 0; count--)
        {
            line.Write(' ');
        }
    }
}
