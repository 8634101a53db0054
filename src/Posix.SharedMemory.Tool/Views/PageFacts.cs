using System.Text.Json.Serialization;

namespace Posix.SharedMemory.Tool;

/// <summary>
/// The states of an object's pages, as JSON. Sums are bytes; null means unknown. Where <c>huge_exact</c> is false, processes that could not be examined may map more as huge pages.
/// </summary>
internal sealed record PageFacts(
    string Name, [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] string? Escaped, long Length, int PageSize, long? Resident, long? Swapped, long? Present, long? Absent, long? Huge,
    IReadOnlyList<RunFacts> Runs, IReadOnlyList<ByteRangeFacts>? HugeRanges, bool HugeExact)
{
    internal static PageFacts Of(PageSurvey survey)
    {
        long resident = survey.BytesOf(PageState.Resident), swapped = survey.BytesOf(PageState.Swapped);
        return new(
            survey.RawName,
            survey.Name == survey.RawName ? null : survey.Name,
            survey.Length,
            PageSurvey.PageSize,
            survey.IsVague ? null : resident,
            survey.IsVague ? null : swapped,
            survey.HidesReserved ? null : resident + swapped + survey.BytesOf(PageState.Present),
            survey.HidesReserved ? null : survey.BytesOf(PageState.Absent),
            survey.Huge is null ? null : survey.HugeBytes,
            [.. survey.Runs.Select(run => new RunFacts(run.Range.Offset, run.Range.Length, StateText(survey, run.State)))],
            survey.Huge is null ? null : [.. survey.Huge.Select(range => new ByteRangeFacts(range.Offset, range.Length))],
            survey.IsHugeExact);
    }

    private static string StateText(PageSurvey survey, PageState state) => state switch
    {
        PageState.Absent => survey.HidesReserved ? "absent_or_reserved" : "absent",
        PageState.Resident => "resident",
        PageState.Swapped => "swapped",
        _ => "present",
    };
}

/// <summary>Neighbouring pages in one state, as JSON.</summary>
internal sealed record RunFacts(long Offset, long Length, string State);

/// <summary>A part of an object, as JSON.</summary>
internal sealed record ByteRangeFacts(long Offset, long Length);
