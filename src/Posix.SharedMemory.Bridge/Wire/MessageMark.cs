using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace Posix.SharedMemory.Bridge;

/// <summary>What a message is beside its bytes: its number, its type, and of a frame its 64 bytes of header.</summary>
/// <param name="Sequence">Its number in this life of its channel, from 1.</param>
/// <param name="Type">The type.</param>
/// <param name="Frame">What a frame is; all zero for other messages.</param>
internal readonly record struct MessageMark(long Sequence, ushort Type, Channels.FrameHeader Frame = default)
{
    /// <summary>Gets the frame's header as the text of a message's header, hexadecimal; <see langword="null"/>: it is all zero.</summary>
    internal string? FrameText
    {
        get
        {
            var frame = Frame;
            ReadOnlySpan<byte> bytes = MemoryMarshal.AsBytes(new ReadOnlySpan<Channels.FrameHeader>(in frame));
            return bytes.ContainsAnyExcept((byte)0) ? Convert.ToHexStringLower(bytes) : null;
        }
    }

    /// <summary>Reads what came with a message that any program may have published.</summary>
    /// <param name="header">The header of the part.</param>
    /// <param name="frameText">The frame's header, if there is one.</param>
    /// <param name="mark">What the message is.</param>
    internal static bool TryRead(FrameHeader header, string? frameText, out MessageMark mark)
    {
        var frame = default(Channels.FrameHeader);
        var isRead = frameText is null
            || (frameText.Length == 2 * Unsafe.SizeOf<Channels.FrameHeader>() && Convert.FromHexString(frameText, MemoryMarshal.AsBytes(new Span<Channels.FrameHeader>(ref frame)), out _, out _) == System.Buffers.OperationStatus.Done);
        mark = new(header.Sequence, header.Type, frame);
        return isRead && header.Type < FrameLimits.FirstReservedType;
    }
}
