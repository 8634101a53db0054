namespace Posix.SharedMemory.Benchmarks;

/// <summary>The plot of growth: what a step of 1 MiB costs against the size that is there already.</summary>
internal static class GrowthPlot
{
    private const int Width = 800;
    private const int Height = 420;
    private const int Left = 76;
    private const int Right = 540;
    private const int Top = 64;
    private const int Bottom = 370;
    private const int LabelHeight = 18;

    private static readonly long[] s_lengths = [1L << 20, 8L << 20, 64L << 20, 512L << 20, 2L << 30, 8L << 30];

    private static readonly (string Candidate, string Text, string Kind)[] s_curves =
    [
        ("MapAnewAndReadInBaseLibrary", "base library: new mapping", "base"),
        ("MapAnewAndReadInC", "C: munmap + mmap", "c1"),
        ("MremapThatMovesInC", "C: mremap that moves", "c2"),
        ("MremapWithRoomInC", "C: mremap that finds room", "c3"),
        ("Sparse", "ours: nothing moves", "ours"),
    ];

    /// <summary>Gets the candidates that are drawn.</summary>
    internal static IEnumerable<string> Keys => s_curves.SelectMany(curve => s_lengths.Select(length => Key(curve.Candidate, length)));

    internal static string Draw(Results results)
    {
        var drawing = new Drawing(Width, Height, "What growing a mapped object by 1 MiB costs against the size that is there: constant with this library, proportional where it is mapped again");
        var times = Keys.Select(results.Find).OfType<Row>().Select(row => row.Processor).DefaultIfEmpty(1000).ToList();
        var across = new LogAxis(s_lengths[0], s_lengths[^1], Left, Right);
        var up = new LogAxis(Math.Pow(10, Math.Floor(Math.Log10(times.Min()))), Math.Pow(10, Math.Ceiling(Math.Log10(times.Max() * 1.01))), Bottom, Top);

        drawing.Text(16, 30, "Growing a mapped object by 1 MiB", "bold");
        drawing.Text(16, 50, "processor time per step until all that was there can be used again, against the size there is; both scales logarithmic", "dim");
        foreach (var decade in up.Decades())
        {
            drawing.Line(Left, up.Place(decade), Right, up.Place(decade), "grid");
            drawing.Text(Left - 8, up.Place(decade) + 4, Amount.OfTime(decade).Replace(".0", "", StringComparison.Ordinal), "dim", "end");
        }

        foreach (var length in s_lengths)
        {
            drawing.Line(across.Place(length), Top, across.Place(length), Bottom, "grid");
            drawing.Text(across.Place(length), Bottom + 22, Amount.OfBytes(length), "dim", "middle");
        }

        var labels = new List<(double Y, string Text, string Kind)>();
        foreach (var (candidate, text, kind) in s_curves)
        {
            var points = (
                from length in s_lengths
                let row = results.Find(Key(candidate, length))
                where row is not null
                select (X: across.Place(length), Y: up.Place(row.Processor), row.Processor)).ToList();
            if (points.Count > 0)
            {
                drawing.Curve(points.Select(point => (point.X, point.Y)), kind);
                points.ForEach(point => drawing.Circle(point.X, point.Y, kind));
                labels.Add((points[^1].Y, $"{text}, {Amount.OfTime(points[^1].Processor)}", kind));
            }
        }

        Label(drawing, labels);
        return drawing.ToString();
    }

    private static string Key(string candidate, long length) => Results.Key(nameof(Growth), Amount.OfBytes(length), candidate);

    /// <summary>Writes the names of the curves behind their ends, from top to bottom, none over another.</summary>
    private static void Label(Drawing drawing, List<(double Y, string Text, string Kind)> labels)
    {
        var free = 0.0;
        foreach (var (y, text, kind) in labels.OrderBy(label => label.Y))
        {
            var place = Math.Max(y + 4, free);
            drawing.Text(Right + 14, place, text, kind);
            free = place + LabelHeight;
        }
    }
}
