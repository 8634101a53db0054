using System.Globalization;

namespace Posix.SharedMemory.Campaign;

/// <summary>What the command line asks for.</summary>
/// <param name="Duration">How long all campaigns take together, but for the rounds that each makes at least.</param>
/// <param name="Seed">What all that is chosen at random is chosen by.</param>
internal sealed record Settings(TimeSpan Duration, int Seed)
{
    internal const string Usage = "Usage: [--minutes N | --seconds N] [--seed N] [--only CAMPAIGN] [--self-test]";

    /// <summary>Gets the only campaign to run; all, if <see langword="null"/>.</summary>
    internal string? Only { get; private init; }

    /// <summary>Gets whether to plant the faults that the campaigns look for, instead of running them.</summary>
    internal bool SelfTest { get; private init; }

    /// <returns><see langword="null"/> where the arguments are none of these.</returns>
    internal static Settings? Parse(string[] arguments)
    {
        var settings = new Settings(TimeSpan.FromSeconds(30), Random.Shared.Next());
        for (var rest = arguments.AsSpan(); !rest.IsEmpty;)
        {
            var value = rest.Length > 1 ? rest[1] : "";
            Settings? next = rest[0] switch
            {
                "--minutes" when Number(value) is { } minutes => settings with { Duration = TimeSpan.FromMinutes(minutes) },
                "--seconds" when Number(value) is { } seconds => settings with { Duration = TimeSpan.FromSeconds(seconds) },
                "--seed" when int.TryParse(value, CultureInfo.InvariantCulture, out var seed) => settings with { Seed = seed },
                "--only" when value.Length > 0 => settings with { Only = value },
                "--self-test" => settings with { SelfTest = true },
                _ => null,
            };
            if (next is null)
            {
                return null;
            }

            settings = next;
            rest = rest[(rest[0] == "--self-test" ? 1 : 2)..];
        }

        return settings;
    }

    private static double? Number(string text) =>
        double.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out var number) && number >= 0 ? number : null;
}
