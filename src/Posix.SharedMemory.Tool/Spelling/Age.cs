using System.Globalization;

namespace Posix.SharedMemory.Tool;

/// <summary>Spans of time as people write them: <c>30s</c>, <c>5m</c>, <c>2h</c>, <c>7d</c>, <c>3w</c>.</summary>
internal static class Age
{
    private static readonly (char Unit, long Seconds)[] s_units = [('w', 604_800), ('d', 86_400), ('h', 3600), ('m', 60), ('s', 1)];

    /// <summary>Reads a span.</summary>
    /// <returns><see langword="null"/>, with the reason, if the text is not a span of time.</returns>
    internal static TimeSpan? Read(string text, out string? objection)
    {
        objection = null;
        foreach (var (unit, seconds) in s_units)
        {
            if (text.EndsWith(unit) && int.TryParse(text.AsSpan(0, text.Length - 1), NumberStyles.None, CultureInfo.InvariantCulture, out var count)
                && count < TimeSpan.MaxValue.TotalSeconds / seconds)
            {
                return TimeSpan.FromSeconds(count * seconds);
            }
        }

        objection = $"'{EscapedText.Of(text)}' is not a span of time; examples: 30s, 5m, 2h, 7d, 3w";
        return null;
    }

    /// <summary>How long ago a moment was, in the largest unit that fits.</summary>
    internal static string Since(DateTimeOffset moment, DateTimeOffset now)
    {
        var elapsed = (long)(now - moment).TotalSeconds;
        foreach (var (unit, seconds) in s_units)
        {
            if (elapsed >= seconds && unit != 'w')
            {
                return string.Create(CultureInfo.InvariantCulture, $"{elapsed / seconds}{unit}");
            }
        }

        return elapsed < 0 ? "future" : "now";
    }
}
