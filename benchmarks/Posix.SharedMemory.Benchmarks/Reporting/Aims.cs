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
        ToC("element access by span, lease and one reference: at least 0.95 of the speed of C without vector registers (at most 1.053 × its time)",
            1 / 0.95, [.. s_access.Where(key => key.StartsWith("ElementAccess", StringComparison.Ordinal) && !key.EndsWith("OfEach", StringComparison.Ordinal))]),
        ToC("copies of 64 KiB and more: at least 0.95 of memcpy's speed",
            1 / 0.95, [.. s_copied.Select(size => $"CopyBandwidth[{size}].SpanCopyIn"), .. s_copied.Select(size => $"CopyBandwidth[{size}].SpanCopyOut")]),
        new("`Acquire` and `Dispose`: at most 15 ns", ["Leasing.AcquireAndDispose"], (results, key) => results.Find(key)?.Processor, time => time <= 15, Amount.OfTime),
        new("nothing allocated on an access path", s_access,
            (results, key) => results.Find(key)?.Allocated, bytes => bytes == 0, bytes => $"{Amount.OfNumber(bytes)} B"),
        Life(1.06, "{0}InCAlone", "ObjectLife.Create"),
        Life(1.10, "{0}InCAlone", "ObjectLife.Classic", "ObjectLife.Truncated"),
        Life(1.00, "{0}InCAlone", "ObjectLife.Attach"),
        Life(1.05, "{0}InCAlone", "UnpublishedLife.Unpublished", "AnonymousLife.Anonymous"),
        To("an object's life, × C with the same calls: at most 1.05",
            1.05, "{0}InCWithSameCalls", "ObjectLife.Create", "ObjectLife.Classic", "ObjectLife.Truncated", "ObjectLife.Attach", "UnpublishedLife.Unpublished", "AnonymousLife.Anonymous"),
        ToC("mapping, touching a page and unmapping: at most 1.10 × C", 1.10, "MapAndUnmap[4 KiB].Map", "MapAndUnmap[64 MiB].Map", "MapAndUnmap[1 GiB].Map"),
        ToC("mapping 1 GiB with all pages: at most 1.05 × C's `MAP_POPULATE`", 1.05, "Populating[1 GiB].Populate", "Populating[1 GiB].Prefault"),
        ToC("an object published in the place of another, among 2 to 100,000 names: at most 1.5 × C", 1.5, "Replacing[2 names].Replace", "Replacing[10,000 names].Replace", "Replacing[100,000 names].Replace"),
        To("`TryRead` of 4 KiB: at most 1.25 × `pread`", 1.25, "{1}.PreadBesideMappingInC", "ReadAndWrite[4 KiB].TryRead"),
        To("`TryWrite` of 4 KiB: at most 1.25 × `pwrite`", 1.25, "{1}.PwriteBesideMappingInC", "ReadAndWrite[4 KiB].TryWrite"),
        ToC("`Write` of 4 KiB: at most 2.0 × `pwrite`", 2.0, "ReadAndWrite[4 KiB].Write"),
        To("`CopyTo` a file: faster than the base library", 1.0, "{1}.ViewStreamInBaseLibrary", "CopyToFile[4 KiB].CopyTo", "CopyToFile[1 MiB].CopyTo", "CopyToFile[64 MiB].CopyTo"),
        ToC("`CopyFrom` a file: at least 0.95 of the speed of `cp` (at most 1.053 × its time)", 1 / 0.95, "CopyFromFile[1 MiB].CopyFrom", "CopyFromFile[64 MiB].CopyFrom"),
        new("growth by 1 MiB: at most 2.2 µs, with the handle given to somebody too", ["Growth[512 MiB].Sparse", "Growth[512 MiB].SparseWithHandleGiven"],
            (results, key) => results.Find(key)?.Processor, time => time <= 2200, Amount.OfTime),
        new("leases from one mapping on two threads: at least 100 million a second on each (at most 10 ns)", ["LeasingOnTwoThreads.TwoThreads"],
            (results, key) => results.Find(key)?.Elapsed, time => time <= 10, Amount.OfTime),
        ToC("a new reference for each element: at most 1.5 × C", 1.5, "ElementAccess[Bytes4].ReadReferenceOfEach", "ElementAccess[Bytes4].WriteReferenceOfEach"),
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
        new("nothing allocated per pass except the handle (64 B), received into a place of the caller", ["Passing.OneIntoPlaces"],
            (results, key) => results.Find(key)?.Allocated, bytes => bytes <= 64, bytes => $"{Amount.OfNumber(bytes)} B"),
    ];

    /// <summary>The table of all of them.</summary>
    internal static string Judge(Results results) =>
        "| aim | measured | |\n|---|---|---|\n" + string.Join('\n', All.Select(aim => aim.Judge(results)));

    private static Aim Life(double most, string reference, params string[] keys) =>
        To($"an object's life, × plain C in a process of its own: at most {Amount.OfRatio(most)}", most, reference, keys);

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
