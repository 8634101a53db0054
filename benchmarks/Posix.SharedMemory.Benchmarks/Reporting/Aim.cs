namespace Posix.SharedMemory.Benchmarks;

/// <summary>Something that was set out to be reached, and a number that says whether it was.</summary>
/// <param name="Text">The aim in words.</param>
/// <param name="Keys">The candidates that it is about.</param>
/// <param name="Measure">The number of one of them; null where it was not measured.</param>
/// <param name="IsMet">Whether a number is good enough.</param>
/// <param name="Write">How a number is written.</param>
internal sealed record Aim(
    string Text,
    IReadOnlyList<string> Keys,
    Func<Results, string, double?> Measure,
    Predicate<double> IsMet,
    Func<double, string> Write)
{
    /// <summary>Gets candidates that are named as a reference only.</summary>
    internal IReadOnlyList<string> References { get; init; } = [];

    /// <summary>Whether the numbers are too many to write each.</summary>
    private bool IsLong => Keys.Count > 6;

    /// <summary>A line of the table: the aim, what was measured, and whether that meets it.</summary>
    internal string Judge(Results results)
    {
        var numbers = Keys.Select(key => (Key: key, Number: Measure(results, key))).Where(pair => pair.Number is not null)
            .Select(pair => (pair.Key, Number: pair.Number!.Value)).ToList();
        if (numbers.Count == 0)
        {
            return $"| {Text} | – | not measured |";
        }

        var missed = numbers.Where(pair => !IsMet(pair.Number)).ToList();
        var shown = IsLong && numbers.TrueForAll(pair => pair.Number == numbers[0].Number) ? $"{Write(numbers[0].Number)}, each of {numbers.Count}"
            : IsLong ? $"{Write(numbers.Min(pair => pair.Number))} to {Write(numbers.Max(pair => pair.Number))}, median {Write(Statistics.Median(numbers.Select(pair => pair.Number)))}"
            : string.Join(", ", numbers.Select(pair => $"`{Short(pair.Key)}` {Write(pair.Number)}"));
        var verdict = missed.Count switch
        {
            0 => "met",
            _ when missed.Count == numbers.Count => "not met",
            _ => $"met by {numbers.Count - missed.Count} of {numbers.Count}; not by {string.Join(", ", missed.Select(pair => IsLong ? $"`{Short(pair.Key)}` {Write(pair.Number)}" : $"`{Short(pair.Key)}`"))}",
        };
        return $"| {Text} | {shown} | {verdict} |";
    }

    // The question is clear from the aim; its parameter is not.
    private static string Short(string key) => key.IndexOf('[', StringComparison.Ordinal) is var at and >= 0 ? key[(at + 1)..].Replace("].", " ", StringComparison.Ordinal) : key.Split('.')[1];
}
