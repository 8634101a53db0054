using System.Runtime.InteropServices;

namespace Posix.SharedMemory.Channels;

/// <summary>The header of a slot: stored by the publisher before it sends the frame, and not changed while anybody holds it.</summary>
[StructLayout(LayoutKind.Explicit, Size = ChannelLayout.SlotHeaderSize)]
internal struct SlotHeader
{
    [FieldOffset(ChannelLayout.SequenceInSlot)]
    internal ulong Sequence;

    [FieldOffset(ChannelLayout.TimestampInSlot)]
    internal ulong Timestamp;

    [FieldOffset(ChannelLayout.SlotFrameLength)]
    internal uint Length;

    [FieldOffset(ChannelLayout.SlotFrameType)]
    internal ushort Type;

    [FieldOffset(ChannelLayout.SlotGeneration)]
    internal uint Generation;

    [FieldOffset(ChannelLayout.SlotFrameHeader)]
    internal FrameHeader User;
}
