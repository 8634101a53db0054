namespace Posix.SharedMemory.Benchmarks;

/// <summary>A category of a question with one value of its parameter: what was measured of each candidate.</summary>
internal sealed record Compared(string Question, string Label, string Category, IReadOnlyList<Row> Rows)
{
    internal static Compared From(string question, string label, string category, IReadOnlyList<Candidate> candidates)
    {
        var baseline = candidates.FirstOrDefault(candidate => candidate.IsBaseline) ?? candidates[0];
        return new(question, label, category, [.. candidates.Select(candidate => Row.From(candidate, baseline))]);
    }
}
