namespace Posix.SharedMemory.Tool;

/// <summary>The states of an object's pages at the time of the survey.</summary>
/// <param name="Name">The object, as it is printed.</param>
/// <param name="RawName">Its name as it is.</param>
/// <param name="Length">Its length in bytes.</param>
/// <param name="Runs">Its pages, from the start to the end.</param>
/// <param name="Huge">The ranges that processes map as huge pages; <see langword="null"/> if that is unknown.</param>
/// <param name="IsHugeExact">Whether there are no others: every process that maps the object was examined.</param>
/// <param name="IsVague">Whether the kernel reported only what has been written, not whether it is in memory or swapped out.</param>
/// <param name="HidesReserved">Whether more memory is allocated than the pages show: some pages that seem absent are reserved.</param>
internal sealed record PageSurvey(
    string Name, string RawName, long Length, IReadOnlyList<PageRun> Runs, IReadOnlyList<ByteRange>? Huge, bool IsHugeExact, bool IsVague, bool HidesReserved)
{
    internal static readonly int PageSize = Environment.SystemPageSize;

    internal static PageSurvey Of(GivenName name)
    {
        using var memory = name.Open(FileAccess.Read);
        // The page states are read first: the huge pages must be among them.
        var runs = memory.GetPageStates();
        // Memory that is reserved but is in no run: pages reported as absent may be allocated.
        var shown = runs.Where(run => run.State != PageState.Absent).Sum(run => PagesOf(run.Range.Length)) * PageSize;
        var hidesReserved = memory.GetStatus().AllocatedBytes > shown;
        var isVague = hidesReserved || runs.Any(run => run.State == PageState.Present);
        var huge = memory.FindHugePages();
        return new(name.ToString(), NameText.Raw(name.Bytes), runs.Count == 0 ? 0 : runs[^1].Range.End, runs, huge, huge is not null && memory.GetHolders().IsComplete, isVague, hidesReserved);
    }

    internal long Pages => PagesOf(Length);

    internal long HugeBytes => Huge?.Sum(range => range.Length) ?? 0;

    internal long BytesOf(PageState state) => Runs.Where(run => run.State == state).Sum(run => run.Range.Length);

    internal static long PagesOf(long bytes) => (bytes / PageSize) + (bytes % PageSize == 0 ? 0 : 1);

    /// <summary>Divides the object into parts of the given number of bytes and classifies each.</summary>
    internal PageKind[] Divide(long bytesEach)
    {
        var kinds = new PageKind[Length == 0 ? 0 : checked((int)(((Length - 1) / bytesEach) + 1))];
        Span<long> bytes = stackalloc long[4];
        int run = 0, huge = 0;
        for (var at = 0; at < kinds.Length; at++)
        {
            var part = new ByteRange(at * bytesEach, Math.Min(bytesEach, Length - (at * bytesEach)));
            bytes.Clear();
            for (var next = Skip(ref run, part, index => Runs[index].Range, Runs.Count); next < Runs.Count && Runs[next].Range.Offset < part.End; next++)
            {
                bytes[(int)Runs[next].State] += Overlap(Runs[next].Range, part);
            }

            var hugeBytes = 0L;
            for (var next = Skip(ref huge, part, index => Huge![index], Huge?.Count ?? 0); next < (Huge?.Count ?? 0) && Huge![next].Offset < part.End; next++)
            {
                hugeBytes += Overlap(Huge[next], part);
            }

            kinds[at] = KindOf(bytes, hugeBytes, part.Length);
        }

        return kinds;
    }

    /// <summary>Moves on to the first range that does not end before a part; parts come in order.</summary>
    private static int Skip(ref int at, ByteRange part, Func<int, ByteRange> rangeAt, int count)
    {
        while (at < count && rangeAt(at).End <= part.Offset)
        {
            at++;
        }

        return at;
    }

    private static PageKind KindOf(ReadOnlySpan<long> bytes, long huge, long length) =>
        bytes[(int)PageState.Absent] == length ? PageKind.Absent
        : bytes[(int)PageState.Swapped] > 0 ? PageKind.Swapped
        : huge >= length ? PageKind.Huge
        : bytes[(int)PageState.Resident] == length ? PageKind.Resident
        : bytes[(int)PageState.Present] == length ? PageKind.Present
        : PageKind.Partly;

    private static long Overlap(ByteRange one, ByteRange other) => Math.Max(0, Math.Min(one.End, other.End) - Math.Max(one.Offset, other.Offset));
}
