namespace Posix.SharedMemory.Benchmarks;

/// <summary>How long single calls took, in nanoseconds per operation. A percentile that too few calls lie above is not given.</summary>
internal sealed record Latency(int Samples, double P50, double P90, double? P99, double? P999)
{
    private const int FewestAbove = 5;

    internal static Latency? From(List<double> samples)
    {
        if (samples.Count == 0)
        {
            return null;
        }

        var sorted = samples.Order().ToList();
        return new(sorted.Count, Statistics.Percentile(sorted, 0.5), Statistics.Percentile(sorted, 0.9), Rare(sorted, 0.99), Rare(sorted, 0.999));
    }

    private static double? Rare(List<double> sorted, double part) =>
        sorted.Count * (1 - part) >= FewestAbove ? Statistics.Percentile(sorted, part) : null;
}
