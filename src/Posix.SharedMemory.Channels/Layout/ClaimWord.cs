namespace Posix.SharedMemory.Channels;

/// <summary>
/// The claim word of a fan-in: the last claim, where it begins, how many lines of 64 bytes it takes, and whose it is. Positions count lines, modulo 2^46.
/// The last claim of an endpoint, which stands there, is the same without the writer: the position and the lines.
/// </summary>
internal readonly struct ClaimWord(ulong value)
{
    internal const ulong PositionMask = (1UL << 46) - 1;
    private const int LinesBits = 12, WriterBits = 6;

    internal ClaimWord(ulong position, ulong lines, int writer)
        : this((position << (LinesBits + WriterBits)) | (lines << WriterBits) | (uint)writer)
    {
    }

    internal ulong Value { get; } = value;

    internal ulong Position => Value >> (LinesBits + WriterBits);

    internal ulong Lines => (Value >> WriterBits) & 0xFFF;

    internal int Writer => (int)(Value & 0x3F);

    /// <summary>Gets where the next claim begins.</summary>
    internal ulong End => (Position + Lines) & PositionMask;

    /// <summary>Gets what stands in the writer's endpoint for this claim.</summary>
    internal ulong Last => Value >> WriterBits;

    internal static ulong PositionOfLast(ulong last) => (last >> LinesBits) & PositionMask;

    internal static ulong LinesOfLast(ulong last) => last & 0xFFF;

    /// <summary>A last claim that begins at a position and takes nothing.</summary>
    internal static ulong NoneAt(ulong position) => position << LinesBits;

    /// <summary>How far a position is past another one; more than half of all positions: it is before it.</summary>
    internal static ulong Distance(ulong from, ulong to) => (to - from) & PositionMask;

    internal static bool IsBefore(ulong position, ulong other) => Distance(position, other) is > 0 and < 1UL << 45;

    /// <summary>Whether a last claim comes after another one. At the same position there is one claim, with its lines, or none yet.</summary>
    internal static bool IsLater(ulong last, ulong other) => ((last - other) & ((1UL << 58) - 1)) is > 0 and < 1UL << 57;
}
