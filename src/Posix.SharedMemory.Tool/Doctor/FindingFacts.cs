namespace Posix.SharedMemory.Tool;

/// <summary>A finding, as JSON.</summary>
internal sealed record FindingFacts(string Check, string Level, string What, string? Consequence, string? Cure)
{
    internal static FindingFacts Of(Finding finding) => new(finding.Check, LevelText(finding.Level), finding.What, finding.Consequence, finding.Cure);

    internal static string LevelText(FindingLevel level) => level switch
    {
        FindingLevel.Ok => "ok",
        FindingLevel.Note => "note",
        _ => "warning",
    };
}
