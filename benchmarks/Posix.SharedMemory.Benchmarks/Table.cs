using System.Globalization;

namespace Posix.SharedMemory.Benchmarks;

/// <summary>Prints what was measured as a Markdown table.</summary>
internal static class Table
{
    internal static void Print(IReadOnlyList<Candidate> candidates)
    {
        var baseline = candidates.FirstOrDefault(candidate => candidate.IsBaseline) ?? candidates[0];
        Console.WriteLine("| | ns | spread | × baseline | cpu ns | × baseline | B |");
        Console.WriteLine("|---|--:|--:|--:|--:|--:|--:|");
        foreach (var candidate in candidates)
        {
            string[] cells =
            [
                candidate.Name,
                Number(Median(candidate.Times)),
                $"{Number(candidate.Times.Min())}–{Number(candidate.Times.Max())}",
                Number(Ratio(candidate.Times, baseline.Times)),
                Number(Median(candidate.ProcessorTimes)),
                Number(Ratio(candidate.ProcessorTimes, baseline.ProcessorTimes)),
                candidate.Allocated.ToString("N0", CultureInfo.InvariantCulture),
            ];
            Console.WriteLine($"| {string.Join(" | ", cells)} |");
        }

        Console.WriteLine();
    }

    /// <summary>A number of bytes in the largest unit that divides it.</summary>
    internal static string Amount(long bytes) => bytes switch
    {
        _ when bytes % (1 << 30) == 0 => $"{bytes >> 30} GiB",
        _ when bytes % (1 << 20) == 0 => $"{bytes >> 20} MiB",
        _ when bytes % (1 << 10) == 0 => $"{bytes >> 10} KiB",
        _ => $"{bytes} B",
    };

    private static string Number(double value) =>
        value.ToString(Math.Abs(value) switch { < 0.1 => "F4", < 10 => "F3", < 100 => "F1", _ => "N0" }, CultureInfo.InvariantCulture);

    /// <summary>The median of the ratios of turns that were taken in the same round.</summary>
    private static double Ratio(List<double> times, List<double> references) =>
        Median(times.Zip(references, (time, reference) => time / reference));

    private static double Median(IEnumerable<double> values)
    {
        var sorted = values.Order().ToList();
        return sorted[sorted.Count / 2];
    }
}
