using System.Globalization;

namespace Posix.SharedMemory.Tool;

/// <summary>What the characters in a picture of pages mean, and how much memory each stands for.</summary>
/// <param name="Kind">What is drawn.</param>
/// <param name="Sign">How it is drawn on a terminal.</param>
/// <param name="Ink">In which colour.</param>
/// <param name="Meaning">In words.</param>
/// <param name="Bytes">How many bytes of the object; <see langword="null"/> if no sum is shown.</param>
internal sealed record PageLegend(PageKind Kind, char Sign, Ink Ink, string Meaning, long? Bytes)
{
    /// <summary>The lines of a legend: those for something that the object contains, and those that are always shown.</summary>
    internal static IReadOnlyList<PageLegend> Of(PageSurvey survey, ReadOnlySpan<PageKind> drawn)
    {
        PageLegend[] lines =
        [
            new(PageKind.Resident, '█', Ink.Green, "resident: in memory", survey.BytesOf(PageState.Resident)),
            new(PageKind.Huge, 'H', Ink.Cyan, "of these huge: a process maps them as huge pages", survey.HugeBytes),
            new(PageKind.Present, '▓', Ink.Green, "allocated: in memory or swapped out; the kernel does not reveal to this user which", survey.BytesOf(PageState.Present)),
            new(PageKind.Swapped, 's', Ink.Red, "swapped out, at least in part: the next access waits for the disk", survey.BytesOf(PageState.Swapped)),
            new(PageKind.Partly, '▒', Ink.Yellow, "partly allocated", null),
            new(PageKind.Absent, '·', Ink.Dim, survey.HidesReserved ? "absent, or reserved and never written: reads as zero" : "absent: reads as zero, allocated when written", survey.BytesOf(PageState.Absent)),
        ];
        var seen = drawn.ToArray().ToHashSet();
        return [.. lines.Where(line => line.Bytes > 0 || seen.Contains(line.Kind) || (line.Bytes is not null && line.Kind is PageKind.Resident or PageKind.Absent && !survey.IsVague))];
    }

    /// <summary>What is unknown about the object, in a sentence; <see langword="null"/> if everything is known.</summary>
    internal static string? Unknown(PageSurvey survey) => survey switch
    {
        { IsVague: true, Huge: null } => "Unknown: which pages are swapped out, reserved or huge.",
        { IsVague: true, IsHugeExact: false } => "Unknown: which pages are swapped out, which are reserved but were never written, and whether processes that you may not examine map more as huge pages.",
        { IsVague: true } => "Unknown: which pages are swapped out, and which are reserved but were never written.",
        { Huge: not null, IsHugeExact: false } => "Unknown: whether processes that you may not examine map more as huge pages.",
        { Huge: null } => "Unknown: which pages are huge. Linux reports this from version 6.7 on, and only if a process that you may examine maps the object.",
        _ => null,
    };

    internal string Sum(PageSurvey survey) => Bytes is not { } bytes ? "" : string.Create(
        CultureInfo.InvariantCulture, $"{ByteSize.Short(bytes)}, {ByteSize.Count(PageSurvey.PagesOf(bytes), "page")}, {(survey.Length == 0 ? 0 : 100.0 * bytes / survey.Length):0.#} %");
}
