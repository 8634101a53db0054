using System.Buffers.Binary;
using Posix.SharedMemory.Channels;

namespace Posix.SharedMemory.Bridge;

/// <summary>What a bridge reads of a channel's header. The offsets are those of docs/spec/channels/endpoints.md.</summary>
internal readonly record struct SourceHeader
{
    private const ulong Magic = 0x014E_4148_434D_4853;
    private const int Size = 256, KindAt = 8, EpochAt = 24, EndpointsAt = 38, CapacityAt = 48, LongestAt = 56, AlignmentAt = 60, ElementSizeAt = 72, OriginAt = 128, CountAt = 144;

    internal int Kind { get; private init; }

    internal ulong Epoch { get; private init; }

    /// <summary>Gets how many bytes the ring has; of a latest value, how many the longest has.</summary>
    internal long Capacity { get; private init; }

    internal int Alignment { get; private init; }

    internal uint ElementSize { get; private init; }

    internal ulong Origin { get; private init; }

    /// <summary>Gets how many readers a broadcast can have, or how many writers a fan-in; else 0.</summary>
    internal int Ends { get; private init; }

    /// <summary>Gets how many messages the history of a broadcast has, or how many buffers a latest value.</summary>
    internal int Count { get; private init; }

    /// <summary>Reads the header of an object; null: it is not a channel. Opening the channel checks the rest.</summary>
    internal static SourceHeader? TryRead(SharedMemoryObject memory)
    {
        Span<byte> bytes = stackalloc byte[Size];
        if (memory.Read(bytes, 0) < Size || BinaryPrimitives.ReadUInt64LittleEndian(bytes) != Magic)
        {
            return null;
        }

        var kind = BinaryPrimitives.ReadUInt16LittleEndian(bytes[KindAt..]);
        return new SourceHeader
        {
            Kind = kind,
            Epoch = BinaryPrimitives.ReadUInt64LittleEndian(bytes[EpochAt..]),
            Capacity = kind == (int)ChannelKind.Latest ? BinaryPrimitives.ReadInt32LittleEndian(bytes[LongestAt..]) : BinaryPrimitives.ReadInt64LittleEndian(bytes[CapacityAt..]),
            Alignment = BinaryPrimitives.ReadInt32LittleEndian(bytes[AlignmentAt..]),
            ElementSize = BinaryPrimitives.ReadUInt32LittleEndian(bytes[ElementSizeAt..]),
            Ends = (ChannelKind)kind is ChannelKind.Broadcast or ChannelKind.FanIn ? BinaryPrimitives.ReadUInt16LittleEndian(bytes[EndpointsAt..]) - 1 : 0,
            Count = BinaryPrimitives.ReadInt32LittleEndian(bytes[CountAt..]),
            Origin = BinaryPrimitives.ReadUInt64LittleEndian(bytes[OriginAt..]),
        };
    }
}
