namespace Posix.SharedMemory.Benchmarks;

/// <summary>What the library sets out to reach beside C, and what it did reach. Times are processor time, system calls included.</summary>
internal static class Aims
{
    private static readonly string[] s_copied = ["64 KiB", "1 MiB", "64 MiB"];
    private static readonly string[] s_growth = ["1 MiB", "8 MiB", "64 MiB", "512 MiB", "2 GiB", "8 GiB"];
    private static readonly string[] s_access = [.. Question.AccessPaths()];

    internal static IReadOnlyList<Aim> All { get; } =
    [
        // A speed of 0.95 is a time of 1/0.95.
        ToC("element access by span, lease and one reference: at least 0.95 of C's speed (at most 1.053 × its time)",
            1 / 0.95, [.. s_access.Where(key => key.StartsWith("ElementAccess", StringComparison.Ordinal) && !key.EndsWith("OfEach", StringComparison.Ordinal))]),
        ToC("copies of 64 KiB and more: at least 0.95 of memcpy's speed",
            1 / 0.95, [.. s_copied.Select(size => $"CopyBandwidth[{size}].SpanCopyIn"), .. s_copied.Select(size => $"CopyBandwidth[{size}].SpanCopyOut")]),
        new("`Acquire` and `Dispose`: at most 15 ns", ["Leasing.AcquireAndDispose"], (results, key) => results.Find(key)?.Processor, time => time <= 15, Amount.OfTime),
        new("nothing allocated on an access path", s_access,
            (results, key) => results.Find(key)?.Allocated, bytes => bytes == 0, bytes => $"{Amount.OfNumber(bytes)} B"),
        To("an object's life: at most 1.05 (in the worst case 1.10) × C with the same calls; judged by 1.10",
            1.10, "{0}InCWithSameCalls", "ObjectLife.Create", "ObjectLife.Classic", "ObjectLife.Attach", "UnpublishedLife.Unpublished", "AnonymousLife.Anonymous"),
        ToC("an object's life compared with plain C, which makes fewer promises: at most 1.10 ×",
            1.10, "ObjectLife.Create", "ObjectLife.Classic", "ObjectLife.Attach", "UnpublishedLife.Unpublished", "AnonymousLife.Anonymous"),
        To("growth independent of the current size: at most 1.5 × the time at 1 MiB",
            1.5, "Growth[1 MiB].Sparse", [.. s_growth.Skip(1).Select(size => $"Growth[{size}].Sparse")]),
        MapAnewTo("growth of 1 MiB at least 10 × cheaper than mapping again in C", 10, "1 MiB"),
        MapAnewTo("growth of 512 MiB at least 1,000 × cheaper than mapping again in C", 1000, "512 MiB"),
        To("growth cheaper than an `mremap` that has to move",
            1, "{1}.MremapThatMovesInC", [.. s_growth.Select(size => $"Growth[{size}].Sparse")]),
        To("growth cheaper than an `mremap` that finds room",
            1, "{1}.MremapWithRoomInC", [.. s_growth.Select(size => $"Growth[{size}].Sparse")]),
        new("huge pages: at least 0.95 of the factor that C gains", ["HugePages.Collapsed"],
            (results, key) => Quotient(results, "HugePages.Ordinary", key) / Quotient(results, "HugePages.OrdinaryInC", "HugePages.CollapsedInC"),
            factor => factor >= 0.95, factor => $"{Amount.OfRatio(factor)} of it")
        {
            References = ["HugePages.Ordinary", "HugePages.OrdinaryInC", "HugePages.CollapsedInC"],
        },
        ToC("an awaited pass with data ready: at most 1.5 × C", 1.5, "Passing.None", "Passing.One", "Passing.Sixteen", "Passing.WholeObjectMapped"),
        new("nothing allocated per pass except the handle (64 B)", ["Passing.One"],
            (results, key) => results.Find(key)?.Allocated, bytes => bytes <= 64, bytes => $"{Amount.OfNumber(bytes)} B"),
    ];

    /// <summary>The table of all of them.</summary>
    internal static string Judge(Results results) =>
        "| aim | measured | |\n|---|---|---|\n" + string.Join('\n', All.Select(aim => aim.Judge(results)));

    private static Aim ToC(string text, double most, params string[] keys) =>
        new(text, keys, (results, key) => results.Find(key)?.ProcessorRatio, ratio => ratio <= most, Amount.OfRatio);

    /// <param name="reference">The candidate to compare with: {0} is the key, {1} the key without the candidate's name.</param>
    private static Aim To(string text, double most, string reference, params string[] keys) =>
        new(text, keys, (results, key) => Quotient(results, key, ReferenceOf(reference, key)), ratio => ratio <= most, Amount.OfRatio)
        {
            References = [.. keys.Select(key => ReferenceOf(reference, key))],
        };

    private static Aim MapAnewTo(string text, double least, string size) =>
        new(text, [$"Growth[{size}].Sparse"], (results, key) => Quotient(results, $"Growth[{size}].MapAnewAndReadInC", key), factor => factor >= least, Amount.OfRatio)
        {
            References = [$"Growth[{size}].MapAnewAndReadInC"],
        };

    private static string ReferenceOf(string reference, string key) => reference
        .Replace("{0}", key, StringComparison.Ordinal)
        .Replace("{1}", key[..Math.Max(0, key.LastIndexOf('.'))], StringComparison.Ordinal);

    private static double? Quotient(Results results, string key, string reference) => results.Find(key)?.Processor / results.Find(reference)?.Processor;
}
