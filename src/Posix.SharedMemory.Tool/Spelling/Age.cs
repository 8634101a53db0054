using System.Globalization;

namespace Posix.SharedMemory.Tool;

/// <summary>Spans of time as people write them: <c>30s</c>, <c>5m</c>, <c>2h</c>, <c>7d</c>, <c>3w</c>.</summary>
internal static class Age
{
    private static readonly (char Unit, long Seconds)[] s_units = [('w', 604_800), ('d', 86_400), ('h', 3600), ('m', 60), ('s', 1)];

    /// <summary>Reads a span.</summary>
    /// <returns><see langword="null"/>, with the reason, where it is none.</returns>
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

        objection = $"'{text}' is no span of time: 30s, 5m, 2h, 7d, 3w";
        return null;
    }

    /// <summary>How long ago something was, in its largest unit.</summary>
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
