using System.Buffers.Binary;

namespace Posix.SharedMemory.Tool;

/// <summary>What stands before the bytes of each message of a recording: 32 bytes.</summary>
/// <param name="Length">How many bytes the message has.</param>
/// <param name="Type">The type that it was sent with.</param>
/// <param name="Flags"><see cref="Frame"/>, <see cref="End"/>, or 0.</param>
/// <param name="Sequence">Its number in the channel.</param>
/// <param name="Time">When it was recorded: nanoseconds since the recording began.</param>
/// <param name="Missed">How many the recording lacks just before it.</param>
/// <param name="Check">The checksum of the other fields and of the bytes.</param>
internal readonly record struct RecordingEntry(int Length, ushort Type, ushort Flags, long Sequence, long Time, uint Missed, uint Check)
{
    internal const int Size = 32;

    /// <summary>64 bytes that describe a frame come before those of the frame.</summary>
    internal const ushort Frame = 1;

    /// <summary>The recording ends here as it was meant to. There is no message.</summary>
    internal const ushort End = 2;

    internal const int CheckAt = 28;

    /// <summary>Types from here on are the channels' own: no message has one.</summary>
    internal const ushort FirstReservedType = 0xFF00;

    /// <summary>Gets how many bytes follow, without the padding to a multiple of 8.</summary>
    internal long Following => (Flags == Frame ? Channels.FrameHeader.Size : 0) + (long)Length;

    /// <summary>Gets how many bytes it takes in the file.</summary>
    internal long Whole => (Size + Following + 7) & ~7L;

    /// <summary>Writes all but the checksum.</summary>
    internal void Write(Span<byte> bytes)
    {
        BinaryPrimitives.WriteInt32LittleEndian(bytes, Length);
        BinaryPrimitives.WriteUInt16LittleEndian(bytes[4..], Type);
        BinaryPrimitives.WriteUInt16LittleEndian(bytes[6..], Flags);
        BinaryPrimitives.WriteInt64LittleEndian(bytes[8..], Sequence);
        BinaryPrimitives.WriteInt64LittleEndian(bytes[16..], Time);
        BinaryPrimitives.WriteUInt32LittleEndian(bytes[24..], Missed);
    }

    internal static RecordingEntry Read(ReadOnlySpan<byte> bytes) => new(
        BinaryPrimitives.ReadInt32LittleEndian(bytes), BinaryPrimitives.ReadUInt16LittleEndian(bytes[4..]), BinaryPrimitives.ReadUInt16LittleEndian(bytes[6..]),
        BinaryPrimitives.ReadInt64LittleEndian(bytes[8..]), BinaryPrimitives.ReadInt64LittleEndian(bytes[16..]), BinaryPrimitives.ReadUInt32LittleEndian(bytes[24..]),
        BinaryPrimitives.ReadUInt32LittleEndian(bytes[CheckAt..]));
}
