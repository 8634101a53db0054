namespace Posix.SharedMemory.Benchmarks;

/// <summary>What was measured of one candidate. Times are nanoseconds per operation, ratios are to the baseline of its category.</summary>
internal sealed record Row(
    string Name,
    Side Side,
    double Elapsed,
    double Fastest,
    double Slowest,
    double ElapsedRatio,
    double Processor,
    double ProcessorRatio,
    double Allocated,
    bool MustNotAllocate,
    Latency? Latency)
{
    internal bool BreaksPromise => MustNotAllocate && Allocated > 0;

    internal static Row From(Candidate candidate, Candidate baseline) => new(
        candidate.Name,
        candidate.Side,
        Statistics.Median(candidate.Times),
        candidate.Times.Min(),
        candidate.Times.Max(),
        Statistics.Ratio(candidate.Times, baseline.Times),
        Statistics.Median(candidate.ProcessorTimes),
        Statistics.Ratio(candidate.ProcessorTimes, baseline.ProcessorTimes),
        Statistics.Median(candidate.Allocations),
        candidate.MustNotAllocate,
        Latency.From(candidate.Samples));
}
