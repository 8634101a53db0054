namespace Posix.SharedMemory.Benchmarks;

/// <summary>What is made of many measurements.</summary>
internal static class Statistics
{
    internal static double Median(IEnumerable<double> values) => Percentile([.. values.Order()], 0.5);

    /// <summary>The median of the ratios of turns that were taken in the same round.</summary>
    internal static double Ratio(List<double> times, List<double> references) =>
        Median(times.Zip(references, (time, reference) => time / reference));

    /// <summary>The value below which a part of the sorted values lies.</summary>
    internal static double Percentile(IReadOnlyList<double> sorted, double part) => sorted[Math.Min(sorted.Count - 1, (int)(sorted.Count * part))];
}
