using System.Buffers.Binary;

namespace Posix.SharedMemory.Bridge;

/// <summary>What a bridge reads of a channel's header. The offsets are those of docs/spec/channels/endpoints.md.</summary>
internal readonly record struct SourceHeader
{
    private const ulong Magic = 0x014E_4148_434D_4853;
    private const int Size = 256, KindAt = 8, EpochAt = 24, CapacityAt = 48, AlignmentAt = 60, ElementSizeAt = 72, OriginAt = 128;

    internal int Kind { get; private init; }

    internal ulong Epoch { get; private init; }

    internal long Capacity { get; private init; }

    internal int Alignment { get; private init; }

    internal uint ElementSize { get; private init; }

    internal ulong Origin { get; private init; }

    /// <summary>Reads the header of an object; null: it is not a channel. Opening the channel checks the rest.</summary>
    internal static SourceHeader? TryRead(SharedMemoryObject memory)
    {
        Span<byte> bytes = stackalloc byte[Size];
        if (memory.Read(bytes, 0) < Size || BinaryPrimitives.ReadUInt64LittleEndian(bytes) != Magic)
        {
            return null;
        }

        return new SourceHeader
        {
            Kind = BinaryPrimitives.ReadUInt16LittleEndian(bytes[KindAt..]),
            Epoch = BinaryPrimitives.ReadUInt64LittleEndian(bytes[EpochAt..]),
            Capacity = BinaryPrimitives.ReadInt64LittleEndian(bytes[CapacityAt..]),
            Alignment = BinaryPrimitives.ReadInt32LittleEndian(bytes[AlignmentAt..]),
            ElementSize = BinaryPrimitives.ReadUInt32LittleEndian(bytes[ElementSizeAt..]),
            Origin = BinaryPrimitives.ReadUInt64LittleEndian(bytes[OriginAt..]),
        };
    }
}
