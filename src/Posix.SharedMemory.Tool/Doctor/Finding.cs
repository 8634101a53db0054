namespace Posix.SharedMemory.Tool;

/// <summary>The result of a check.</summary>
/// <param name="Check">The check, in a word.</param>
/// <param name="Level">How much it matters.</param>
/// <param name="What">What was found.</param>
/// <param name="Consequence">What will happen because of it; <see langword="null"/> if there is no trouble.</param>
/// <param name="Cure">The command or setting that changes it; <see langword="null"/> if there is no trouble.</param>
internal sealed record Finding(string Check, FindingLevel Level, string What, string? Consequence = null, string? Cure = null)
{
    internal static Finding Ok(string check, string what) => new(check, FindingLevel.Ok, what);
}
