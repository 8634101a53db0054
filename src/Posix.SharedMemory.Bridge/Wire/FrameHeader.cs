using System.Globalization;

namespace Posix.SharedMemory.Bridge;

/// <summary>The header <c>Shm: epoch seq offset total type stamp</c>: which part of which message of a channel a payload is.</summary>
/// <param name="Epoch">One life of the channel, 16 hexadecimal digits.</param>
/// <param name="Sequence">The message's number in that life, from 1; of a batch, of its first message.</param>
/// <param name="Offset">Where in the message the payload belongs, in bytes.</param>
/// <param name="Total">How many bytes the message has.</param>
/// <param name="Type">The message's type.</param>
/// <param name="Stamp">When it was published, in nanoseconds since 1970, according to the exporter's clock.</param>
internal readonly record struct FrameHeader(ulong Epoch, long Sequence, long Offset, long Total, ushort Type, long Stamp)
{
    private const int Fields = 6;

    /// <inheritdoc/>
    public override string ToString() => string.Create(CultureInfo.InvariantCulture, $"{Epoch:x16} {Sequence} {Offset} {Total} {Type} {Stamp}");

    /// <summary>Reads a header that any program may have written: six numbers, none negative, none too big.</summary>
    internal static bool TryParse(ReadOnlySpan<char> text, out FrameHeader header)
    {
        header = default;
        Span<Range> fields = stackalloc Range[Fields + 1];
        if (text.Split(fields, ' ') != Fields
            || text[fields[0]].Length != 16 || !ulong.TryParse(text[fields[0]], NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out var epoch)
            || !TryParseNumber(text[fields[1]], out var sequence) || !TryParseNumber(text[fields[2]], out var offset) || !TryParseNumber(text[fields[3]], out var total)
            || !ushort.TryParse(text[fields[4]], NumberStyles.None, CultureInfo.InvariantCulture, out var type) || !TryParseNumber(text[fields[5]], out var stamp))
        {
            return false;
        }

        header = new(epoch, sequence, offset, total, type, stamp);
        return true;
    }

    /// <summary>Reads two numbers, such as the first and last of a range.</summary>
    internal static bool TryParseRange(ReadOnlySpan<char> text, out long first, out long last)
    {
        Span<Range> fields = stackalloc Range[3];
        (first, last) = (0, 0);
        return text.Split(fields, ' ') == 2 && TryParseNumber(text[fields[0]], out first) && TryParseNumber(text[fields[1]], out last) && first > 0 && first <= last;
    }

    private static bool TryParseNumber(ReadOnlySpan<char> text, out long value) => long.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out value);
}
