namespace Posix.SharedMemory.Benchmarks;

/// <summary>All that a run measured, and what it ran on.</summary>
internal sealed record Results(Circumstances Circumstances)
{
    public List<Compared> Comparisons { get; init; } = [];

    /// <summary>Gets a line for each question that could not be asked.</summary>
    public List<string> Skipped { get; init; } = [];

    /// <summary>Gets a line for each access path that allocates.</summary>
    internal IEnumerable<string> BrokenPromises =>
        from comparison in Comparisons
        from row in comparison.Rows
        where row.BreaksPromise
        select $"FAILED {Key(comparison.Question, comparison.Label, row.Name)} allocates {Amount.OfNumber(row.Allocated)} bytes per operation; an access path allocates nothing.";

    /// <summary>How the report, its template and its aims name a candidate: <c>Growth[1 MiB].Sparse</c>.</summary>
    internal static string Key(string question, string label, string? candidate = null) =>
        question + (label.Length == 0 ? "" : $"[{label}]") + (candidate is null ? "" : "." + candidate);

    /// <summary>What was measured of a candidate; null where its question was skipped or not asked.</summary>
    internal Row? Find(string key) =>
        Comparisons.SelectMany(comparison => comparison.Rows.Where(row => Key(comparison.Question, comparison.Label, row.Name) == key)).FirstOrDefault();
}
