using System.Buffers;
using System.Globalization;
using System.Text;

namespace Posix.SharedMemory.Bridge;

/// <summary>What an importer says to the exporter of a channel, as text: <c>importer epoch settled parked window</c>.</summary>
/// <param name="Importer">A random number, one per life of the importer.</param>
/// <param name="Epoch">The life of the channel.</param>
/// <param name="Settled">All messages up to this sequence are in the importer's ring, or lost.</param>
/// <param name="Parked">How many bytes wait for room in the importer's ring.</param>
/// <param name="Window">How many bytes may be under way.</param>
internal readonly record struct CreditNote(ulong Importer, ulong Epoch, long Settled, long Parked, long Window)
{
    private const int Fields = 5, MostBytes = 120;

    internal byte[] ToBytes() => Encoding.ASCII.GetBytes(string.Create(CultureInfo.InvariantCulture, $"{Importer:x16} {Epoch:x16} {Settled} {Parked} {Window}"));

    internal static bool TryParse(in ReadOnlySequence<byte> bytes, out CreditNote note)
    {
        note = default;
        if (bytes.Length > MostBytes)
        {
            return false;
        }

        ReadOnlySpan<char> text = Encoding.ASCII.GetString(bytes);
        Span<Range> fields = stackalloc Range[Fields + 1];
        if (text.Split(fields, ' ') != Fields
            || !ulong.TryParse(text[fields[0]], NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out var importer)
            || !ulong.TryParse(text[fields[1]], NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out var epoch)
            || !long.TryParse(text[fields[2]], NumberStyles.None, CultureInfo.InvariantCulture, out var settled)
            || !long.TryParse(text[fields[3]], NumberStyles.None, CultureInfo.InvariantCulture, out var parked)
            || !long.TryParse(text[fields[4]], NumberStyles.None, CultureInfo.InvariantCulture, out var window))
        {
            return false;
        }

        note = new(importer, epoch, settled, parked, window);
        return true;
    }
}
