using System.Runtime.CompilerServices;

namespace Posix.SharedMemory.Channels;

/// <summary>The header of a record of a fan-in, stored when the record is complete: 0 until then.</summary>
internal readonly struct ClaimRecord(ulong value)
{
    private const ulong Committed = 1UL << 63, Padding = 1UL << 62, TagMask = (1UL << 38) - 1, LengthMask = 0x3FFFF;
    private const int WriterShift = 56, LengthShift = 38;

    internal ClaimRecord(ulong position, int writer, ulong length, bool isPadding)
        : this(Committed | (isPadding ? Padding : 0) | ((ulong)writer << WriterShift) | (length << LengthShift) | (position & TagMask))
    {
    }

    internal ulong Value { get; } = value;

    internal bool IsCommitted => (Value & Committed) != 0;

    internal bool IsPadding => (Value & Padding) != 0;

    internal int Writer => (int)(Value >> WriterShift) & 0x3F;

    internal ulong Length => (Value >> LengthShift) & LengthMask;

    internal ulong Lines => LinesFor(Length);

    /// <summary>Whether it is the record of a position, and not what is left of an earlier one in the same place.</summary>
    internal bool IsAt(ulong position) => (Value & TagMask) == (position & TagMask);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal static ulong LinesFor(ulong length) => (length + ChannelLayout.WidePrefix + ChannelLayout.LineSize - 1) / ChannelLayout.LineSize;

    /// <summary>The length of padding that takes some lines.</summary>
    internal static ulong PaddingOf(ulong lines) => (lines * ChannelLayout.LineSize) - ChannelLayout.WidePrefix;
}
