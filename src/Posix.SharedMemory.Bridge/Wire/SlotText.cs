using System.Globalization;
using Posix.SharedMemory.Channels;

namespace Posix.SharedMemory.Bridge;

/// <summary>The sizes of the slots of a frame channel as text, smallest first: <c>16x65536 4x8388608</c>, number by length in bytes.</summary>
internal static class SlotText
{
    /// <summary>How many slots a channel has at most, and how long each is.</summary>
    internal const int MostSlots = 65_536, MostLength = 1 << 30;

    private const int MostClasses = 8;

    internal static string Of(IEnumerable<FrameClass> classes) =>
        string.Join(' ', classes.Select(slots => string.Create(CultureInfo.InvariantCulture, $"{slots.SlotCount}x{slots.SlotLength}")));

    /// <summary>Reads the sizes as <see cref="Of"/> writes them for a channel that can be: lengths are multiples of the alignment and grow, and together there are no more slots than a channel has.</summary>
    internal static bool TryRead(string text, int alignment, out FrameClass[] classes)
    {
        classes = [];
        var read = new List<FrameClass>();
        foreach (var part in text.Split(' ', MostClasses + 1))
        {
            var by = part.IndexOf('x', StringComparison.Ordinal);
            if (by < 0 || !int.TryParse(part.AsSpan(0, by), NumberStyles.None, CultureInfo.InvariantCulture, out var count) || count < 1
                || !int.TryParse(part.AsSpan(by + 1), NumberStyles.None, CultureInfo.InvariantCulture, out var length) || length > MostLength || length % alignment != 0
                || length <= (read.Count > 0 ? read[^1].SlotLength : 0))
            {
                return false;
            }

            read.Add(new(length, count));
        }

        if (read.Count > MostClasses || read.Sum(slots => (long)slots.SlotCount) > MostSlots || Of(read) != text)
        {
            return false;
        }

        classes = [.. read];
        return true;
    }
}
