namespace Posix.SharedMemory.Benchmarks;

/// <summary>The plot of all questions: the time that each takes with us and with the base library, in times of C's.</summary>
internal static class Overview
{
    private const int Width = 800;
    private const int Left = 290;
    private const int Right = 610;
    private const int OursColumn = 690;
    private const int BaseColumn = 780;
    private const int Top = 76;
    private const int RowHeight = 24;

    private static readonly (string Text, string Ours, string? Base)[] s_lines =
    [
        ("create, map, close, unlink", "ObjectLife.Create", "ObjectLife.MovedIntoPlaceInBaseLibrary"),
        ("attach to an existing object", "ObjectLife.Attach", "ObjectLife.AttachInBaseLibrary"),
        ("an unpublished object's life", "UnpublishedLife.Unpublished", "UnpublishedLife.DeletedOnCloseInBaseLibrary"),
        ("an anonymous object's life", "AnonymousLife.Anonymous", "AnonymousLife.AnonymousInBaseLibrary"),
        ("map and unmap 1 MiB", "MapAndUnmap[1 MiB].Map", "MapAndUnmap[1 MiB].ViewInBaseLibrary"),
        ("read an int in place", "ElementAccess[Bytes4].ReadSpan", "ElementAccess[Bytes4].ReadInBaseLibrary"),
        ("write an int in place", "ElementAccess[Bytes4].WriteSpan", "ElementAccess[Bytes4].WriteInBaseLibrary"),
        ("read 64 bytes in place", "ElementAccess[Bytes64].ReadSpan", "ElementAccess[Bytes64].ReadInBaseLibrary"),
        ("lease of a mapping (base: a new view)", "Leasing.AcquireAndDispose", "Leasing.ViewInBaseLibrary"),
        ("copy 4 KiB in", "CopyBandwidth[4 KiB].SpanCopyIn", "CopyBandwidth[4 KiB].WriteArrayInBaseLibrary"),
        ("copy 1 MiB out", "CopyBandwidth[1 MiB].SpanCopyOut", "CopyBandwidth[1 MiB].ReadArrayInBaseLibrary"),
        ("Read 4 KiB (pread)", "ReadAndWrite[4 KiB].Read", "ReadAndWrite[4 KiB].RandomAccessReadInBaseLibrary"),
        ("Write 4 KiB (pwrite)", "ReadAndWrite[4 KiB].Write", "ReadAndWrite[4 KiB].RandomAccessWriteInBaseLibrary"),
        ("TryRead 4 KiB (pread)", "ReadAndWrite[4 KiB].TryRead", null),
        ("CopyTo a socket, 64 KiB", "CopyToSocket[64 KiB].CopyTo", "CopyToSocket[64 KiB].SendFileInBaseLibrary"),
        ("CopyTo a file, 1 MiB", "CopyToFile[1 MiB].CopyTo", "CopyToFile[1 MiB].ViewStreamInBaseLibrary"),
        ("pass a descriptor", "Passing.One", null),
        ("list 10,000 objects", "Listing.Enumerate", "Listing.FileInfosInBaseLibrary"),
    ];

    /// <summary>Gets the candidates that are drawn.</summary>
    internal static IEnumerable<string> Keys => s_lines.SelectMany(line => new[] { line.Ours, line.Base }).OfType<string>();

    internal static string Draw(Results results)
    {
        var bottom = Top + (s_lines.Length * RowHeight);
        var drawing = new Drawing(Width, bottom + 36, "Time of each operation relative to the same operation in C, on a logarithmic scale: this library, and the base library where it has the operation");
        var ratios = Keys.Select(results.Find).OfType<Row>().Select(row => row.ProcessorRatio).ToList();
        var axis = new LogAxis(Math.Min(0.5, ratios.Append(1).Min() / 1.2), Math.Max(10, ratios.Append(1).Max() * 1.3), Left, Right);

        drawing.Text(16, 30, "Time beside C", "bold");
        drawing.Text(16, 50, "1 is as fast as C; further right is slower", "dim");
        Name(drawing, OursColumn, "ours", drawing.Circle);
        Name(drawing, BaseColumn, "base library", drawing.Diamond, "base");
        foreach (var decade in axis.Decades())
        {
            drawing.Line(axis.Place(decade), Top, axis.Place(decade), bottom, decade == 1 ? "unit" : "grid");
            drawing.Text(axis.Place(decade), bottom + 20, $"{Amount.OfRatio(decade).Replace(".00", "", StringComparison.Ordinal).Replace(".0", "", StringComparison.Ordinal)} ×", "dim", "middle");
        }

        var y = Top + (RowHeight / 2);
        foreach (var (text, ours, inBase) in s_lines)
        {
            drawing.Text(16, y + 4, text);
            Mark(drawing, axis, y, inBase is null ? null : results.Find(inBase), BaseColumn, "base", drawing.Diamond, isPossible: inBase is not null);
            Mark(drawing, axis, y, results.Find(ours), OursColumn, "ours", drawing.Circle, isPossible: true);
            y += RowHeight;
        }

        return drawing.ToString();
    }

    private static void Name(Drawing drawing, double x, string text, Action<double, double, string> mark, string kind = "ours")
    {
        drawing.Text(x, Top - 8, text, kind, "end");
        mark(x - 5, Top - 28, kind);
    }

    private static void Mark(
        Drawing drawing, LogAxis axis, double y, Row? row, double column, string kind, Action<double, double, string> mark, bool isPossible)
    {
        if (row is null)
        {
            drawing.Text(column, y + 4, isPossible ? "–" : "cannot", "dim", "end");
            return;
        }

        mark(axis.Place(row.ProcessorRatio), y, kind);
        drawing.Text(column, y + 4, $"{Amount.OfRatio(row.ProcessorRatio)} ×", kind, "end");
    }
}
