using System.Buffers.Binary;
using Posix.SharedMemory.Channels;

namespace Posix.SharedMemory.Bridge;

/// <summary>What a bridge reads of a channel's header. The offsets are those of docs/spec/channels/endpoints.md.</summary>
internal readonly record struct SourceHeader
{
    private const ulong Magic = 0x014E_4148_434D_4853;
    private const int Size = 256, KindAt = 8, EpochAt = 24, EndpointsAt = 38, CapacityAt = 48, LongestAt = 56, AlignmentAt = 60, ElementSizeAt = 72, ElementAlignmentAt = 76, OriginAt = 128, CountAt = 144;
    private const int DepthAt = 148, SlotAlignmentAt = 152, ClassesAt = 160, Classes = 8, ClassSize = 8, SlotUnit = 64;

    internal int Kind { get; private init; }

    internal ulong Epoch { get; private init; }

    /// <summary>Gets how many bytes the ring has; of a latest value, how many the longest has; of frames, how many all slots have.</summary>
    internal long Capacity { get; private init; }

    internal int Alignment { get; private init; }

    /// <summary>Gets how many bytes each message has, where they are elements of a type; else 0.</summary>
    internal int ElementSize { get; private init; }

    /// <summary>Gets the alignment of that type.</summary>
    internal int ElementAlignment { get; private init; }

    internal ulong Origin { get; private init; }

    /// <summary>Gets how many readers a broadcast or a frame channel can have, or how many writers a fan-in; else 0.</summary>
    internal int Ends { get; private init; }

    /// <summary>Gets how many messages the history of a broadcast has, how many buffers a latest value, or how many frames wait for a reader at most.</summary>
    internal int Count { get; private init; }

    /// <summary>Gets how many slots a frame channel has.</summary>
    internal int SlotCount { get; private init; }

    /// <summary>Gets the slots of a frame channel, as <see cref="SlotText"/> writes them; else empty.</summary>
    internal string Slots { get; private init; } = "";

    public SourceHeader()
    {
    }

    /// <summary>Reads the header of an object; null: it is not a channel. Any program may have written it: what is computed from it is checked here, and opening the channel checks the rest.</summary>
    internal static SourceHeader? TryRead(SharedMemoryObject memory)
    {
        Span<byte> bytes = stackalloc byte[Size];
        if (memory.Read(bytes, 0) < Size || BinaryPrimitives.ReadUInt64LittleEndian(bytes) != Magic)
        {
            return null;
        }

        var kind = BinaryPrimitives.ReadUInt16LittleEndian(bytes[KindAt..]);
        var header = new SourceHeader
        {
            Kind = kind,
            Epoch = BinaryPrimitives.ReadUInt64LittleEndian(bytes[EpochAt..]),
            Capacity = kind == (int)ChannelKind.Latest ? BinaryPrimitives.ReadInt32LittleEndian(bytes[LongestAt..]) : BinaryPrimitives.ReadInt64LittleEndian(bytes[CapacityAt..]),
            Alignment = BinaryPrimitives.ReadInt32LittleEndian(bytes[AlignmentAt..]),
            ElementSize = BinaryPrimitives.ReadInt32LittleEndian(bytes[ElementSizeAt..]),
            ElementAlignment = BinaryPrimitives.ReadInt32LittleEndian(bytes[ElementAlignmentAt..]),
            Ends = (ChannelKind)kind is ChannelKind.Broadcast or ChannelKind.FanIn or ChannelKind.Frames ? BinaryPrimitives.ReadUInt16LittleEndian(bytes[EndpointsAt..]) - 1 : 0,
            Count = BinaryPrimitives.ReadInt32LittleEndian(bytes[CountAt..]),
            Origin = BinaryPrimitives.ReadUInt64LittleEndian(bytes[OriginAt..]),
        };
        return kind == (int)ChannelKind.Frames ? header.WithSlots(bytes) : header;
    }

    /// <summary>The same with the slots; null: no channel has such slots.</summary>
    private SourceHeader? WithSlots(ReadOnlySpan<byte> bytes)
    {
        var classes = new List<FrameClass>();
        for (var at = ClassesAt; at < ClassesAt + (Classes * ClassSize) && BinaryPrimitives.ReadUInt32LittleEndian(bytes[at..]) is var count and not 0; at += ClassSize)
        {
            var length = BinaryPrimitives.ReadUInt32LittleEndian(bytes[(at + sizeof(uint))..]) * (long)SlotUnit;
            if (count > SlotText.MostSlots || length is 0 or > SlotText.MostLength)
            {
                return null;
            }

            classes.Add(new((int)length, (int)count));
        }

        return this with
        {
            Capacity = classes.Sum(slots => (long)slots.SlotLength * slots.SlotCount),
            Alignment = BinaryPrimitives.ReadInt32LittleEndian(bytes[SlotAlignmentAt..]),
            Count = BinaryPrimitives.ReadInt32LittleEndian(bytes[DepthAt..]),
            SlotCount = Count,
            Slots = SlotText.Of(classes),
        };
    }
}
