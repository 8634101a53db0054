using System.Globalization;

namespace Posix.SharedMemory.Tool;

/// <summary>What the signs of a picture of pages mean, and how much there is of each.</summary>
/// <param name="Kind">What is drawn.</param>
/// <param name="Sign">How it is drawn on a terminal.</param>
/// <param name="Ink">In which colour.</param>
/// <param name="Meaning">In words.</param>
/// <param name="Bytes">How much of the object; <see langword="null"/> where no sum belongs to it.</param>
internal sealed record PageLegend(PageKind Kind, char Sign, Ink Ink, string Meaning, long? Bytes)
{
    /// <summary>The lines of a legend: those that tell of something in the object, and what always belongs there.</summary>
    internal static IReadOnlyList<PageLegend> Of(PageSurvey survey, ReadOnlySpan<PageKind> drawn)
    {
        PageLegend[] lines =
        [
            new(PageKind.Resident, '█', Ink.Green, "resident: in memory", survey.BytesOf(PageState.Resident)),
            new(PageKind.Huge, 'H', Ink.Cyan, "of these huge: some process maps them in huge pages", survey.HugeBytes),
            new(PageKind.Present, '▓', Ink.Green, "there: in memory or swapped out, the kernel does not tell this user which", survey.BytesOf(PageState.Present)),
            new(PageKind.Swapped, 's', Ink.Red, "swapped out, at least in part: the next access waits for the disk", survey.BytesOf(PageState.Swapped)),
            new(PageKind.Partly, '▒', Ink.Yellow, "partly there", null),
            new(PageKind.Absent, '·', Ink.Dim, survey.HidesReserved ? "absent, or reserved and never written: reads as zero" : "absent: reads as zero, takes memory when written", survey.BytesOf(PageState.Absent)),
        ];
        var seen = drawn.ToArray().ToHashSet();
        return [.. lines.Where(line => line.Bytes > 0 || seen.Contains(line.Kind) || (line.Bytes is not null && line.Kind is PageKind.Resident or PageKind.Absent && !survey.IsVague))];
    }

    /// <summary>What is not known about the object, in a sentence; <see langword="null"/> where all is.</summary>
    internal static string? Unknown(PageSurvey survey) => survey switch
    {
        { IsVague: true, Huge: null } => "Not known: which pages are swapped out, reserved or huge.",
        { IsVague: true } => "Not known: which pages are swapped out, and which are reserved but were never written.",
        { Huge: null } => "Not known: which pages are huge. Linux tells it from 6.7 on, and only where a process that you may look into maps the object.",
        _ => null,
    };

    internal string Sum(PageSurvey survey) => Bytes is not { } bytes ? "" : string.Create(
        CultureInfo.InvariantCulture, $"{ByteSize.Short(bytes)}, {ByteSize.Count(PageSurvey.PagesOf(bytes), "page")}, {(survey.Length == 0 ? 0 : 100.0 * bytes / survey.Length):0.#} %");
}
