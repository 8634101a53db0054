using System.Buffers.Binary;
using System.Numerics;
using System.Text;

namespace Posix.SharedMemory.Channels;

/// <summary>The first 256 bytes of a channel, which never change: copied once when a channel is opened, checked against the object's length, and never read again.</summary>
internal sealed record ChannelHeader
{
    internal ushort Kind { get; init; }

    internal long Total { get; init; }

    internal ulong Epoch { get; init; }

    internal int Seats { get; init; }

    internal int Endpoints { get; init; }

    internal long DataOffset { get; init; }

    internal long Capacity { get; init; }

    internal int MaxMessage { get; init; }

    internal int RecordAlign { get; init; }

    internal ulong SchemaId { get; init; }

    internal int ElementSize { get; init; }

    internal int ElementAlign { get; init; }

    internal string ContentType { get; init; } = "";

    /// <summary>Gets which host a bridge imported the channel from; 0: none.</summary>
    internal ulong Origin { get; init; }

    /// <summary>Gets where the endpoints begin.</summary>
    internal long EndpointsOffset => EndpointsAfter(Seats);

    /// <summary>Gets where payloads start in a record.</summary>
    internal int Prefix => PrefixFor(RecordAlign);

    /// <summary>The header of a new ring.</summary>
    internal static ChannelHeader ForRing(long capacity, int recordAlign, ulong schemaId, string contentType, int elementSize = 0, int elementAlign = 0)
    {
        const int seats = ChannelLayout.MessageEndpoints + ChannelLayout.SpareSeats;
        var data = ChannelLayout.RoundUp(EndpointsAfter(seats) + (ChannelLayout.MessageEndpoints * ChannelLayout.EndpointSize), Environment.SystemPageSize);
        return new()
        {
            Kind = ChannelLayout.MessageKind,
            Total = data + capacity,
            Epoch = (ulong)Random.Shared.NextInt64(1, long.MaxValue),
            Seats = seats,
            Endpoints = ChannelLayout.MessageEndpoints,
            DataOffset = data,
            Capacity = capacity,
            MaxMessage = elementSize != 0 ? elementSize : (int)(capacity / 2) - PrefixFor(recordAlign),
            RecordAlign = recordAlign,
            SchemaId = schemaId,
            ContentType = contentType,
            ElementSize = elementSize,
            ElementAlign = elementAlign,
        };
    }

    internal static int PrefixFor(int recordAlign) => Math.Max(ChannelLayout.RecordHeaderSize, recordAlign);

    /// <summary>Reads and checks a private copy of the header.</summary>
    /// <param name="bytes">The object's first 256 bytes.</param>
    /// <param name="length">The object's length.</param>
    /// <param name="subject">What the messages call the object.</param>
    /// <exception cref="InvalidDataException">What is there instead, or which field contradicts which.</exception>
    internal static ChannelHeader Parse(ReadOnlySpan<byte> bytes, long length, string subject)
    {
        var magic = U64(bytes, ChannelLayout.MagicAt);
        Require(magic == ChannelLayout.Magic, subject, $"its first bytes are {magic:x16}, not those of a channel of version 1 ({ChannelLayout.Magic:x16})");
        var kind = U16(bytes, ChannelLayout.KindAt);
        Require(kind == ChannelLayout.MessageKind, subject, $"it is a channel of kind {kind}, not of kind {ChannelLayout.MessageKind}, a message channel");
        var required = U32(bytes, ChannelLayout.RequiredAt);
        Require(required == 0, subject, $"it needs the features 0x{required:x}, and this version knows 0x0");
        var total = U64(bytes, ChannelLayout.TotalAt);
        Require(total == (ulong)length, subject, $"its header says {total} bytes, and it has {length}");
        Require(U64(bytes, ChannelLayout.EpochAt) != 0, subject, "its epoch is 0");
        var roster = U32(bytes, ChannelLayout.RosterOffsetAt);
        Require(roster == ChannelLayout.RosterAt, subject, $"its roster is at {roster}, not at {ChannelLayout.RosterAt}");
        int seats = U16(bytes, ChannelLayout.SeatsAt), endpoints = U16(bytes, ChannelLayout.EndpointsAt);
        Require(seats is >= 1 and <= 1023, subject, $"it has {seats} seats, not 1 to 1023");
        Require(endpoints == ChannelLayout.MessageEndpoints, subject, $"it has {endpoints} endpoints, not {ChannelLayout.MessageEndpoints}");
        ulong data = U64(bytes, ChannelLayout.DataOffsetAt), capacity = U64(bytes, ChannelLayout.CapacityAt);
        Require(capacity is >= ChannelLayout.LeastCapacity and <= ChannelLayout.MostCapacity && BitOperations.IsPow2(capacity), subject, $"its capacity is {capacity}, not a power of two from 4096 to 1073741824");
        Require(data % ChannelLayout.PageSize == 0 && data >= (ulong)(EndpointsAfter(seats) + (endpoints * ChannelLayout.EndpointSize)) && data <= total && capacity <= total - data, subject,
            $"its {capacity} bytes of data at {data} do not fit into {total} bytes past the endpoints");
        var align = U32(bytes, ChannelLayout.RecordAlignAt);
        Require(align is 8 or 16 or 32 or 64, subject, $"its records are aligned to {align}, not to 8, 16, 32 or 64");
        var most = U32(bytes, ChannelLayout.MaxMessageAt);
        Require(most <= (capacity / 2) - (ulong)PrefixFor((int)align), subject, $"its longest message has {most} bytes, more than half of its capacity of {capacity} holds");
        uint elementSize = U32(bytes, ChannelLayout.ElementSizeAt), elementAlign = U32(bytes, ChannelLayout.ElementAlignAt);
        Require(elementSize == 0 || elementSize == most, subject, $"its elements have {elementSize} bytes, and its messages up to {most}");
        return new()
        {
            Kind = kind,
            Total = length,
            Epoch = U64(bytes, ChannelLayout.EpochAt),
            Seats = seats,
            Endpoints = endpoints,
            DataOffset = (long)data,
            Capacity = (long)capacity,
            MaxMessage = (int)most,
            RecordAlign = (int)align,
            SchemaId = U64(bytes, ChannelLayout.SchemaIdAt),
            ElementSize = (int)elementSize,
            ElementAlign = (int)Math.Min(elementAlign, int.MaxValue),
            ContentType = ReadText(bytes.Slice(ChannelLayout.ContentTypeAt, ChannelLayout.ContentTypeSize)),
            Origin = U64(bytes, ChannelLayout.OriginAt),
        };
    }

    /// <summary>Writes all but the magic, which the creator stores last.</summary>
    internal void Write(Span<byte> bytes)
    {
        BinaryPrimitives.WriteUInt16LittleEndian(bytes[ChannelLayout.KindAt..], Kind);
        BinaryPrimitives.WriteInt64LittleEndian(bytes[ChannelLayout.TotalAt..], Total);
        BinaryPrimitives.WriteUInt64LittleEndian(bytes[ChannelLayout.EpochAt..], Epoch);
        BinaryPrimitives.WriteInt32LittleEndian(bytes[ChannelLayout.RosterOffsetAt..], ChannelLayout.RosterAt);
        BinaryPrimitives.WriteUInt16LittleEndian(bytes[ChannelLayout.SeatsAt..], (ushort)Seats);
        BinaryPrimitives.WriteUInt16LittleEndian(bytes[ChannelLayout.EndpointsAt..], (ushort)Endpoints);
        BinaryPrimitives.WriteInt64LittleEndian(bytes[ChannelLayout.DataOffsetAt..], DataOffset);
        BinaryPrimitives.WriteInt64LittleEndian(bytes[ChannelLayout.CapacityAt..], Capacity);
        BinaryPrimitives.WriteInt32LittleEndian(bytes[ChannelLayout.MaxMessageAt..], MaxMessage);
        BinaryPrimitives.WriteInt32LittleEndian(bytes[ChannelLayout.RecordAlignAt..], RecordAlign);
        BinaryPrimitives.WriteUInt64LittleEndian(bytes[ChannelLayout.SchemaIdAt..], SchemaId);
        BinaryPrimitives.WriteInt32LittleEndian(bytes[ChannelLayout.ElementSizeAt..], ElementSize);
        BinaryPrimitives.WriteInt32LittleEndian(bytes[ChannelLayout.ElementAlignAt..], ElementAlign);
        Encoding.UTF8.GetBytes(ContentType, bytes.Slice(ChannelLayout.ContentTypeAt, ChannelLayout.ContentTypeSize));
        BinaryPrimitives.WriteUInt64LittleEndian(bytes[ChannelLayout.OriginAt..], Origin);
    }

    /// <summary>Text of shared memory, up to its first NUL. Bytes that are not UTF-8 become replacement characters.</summary>
    internal static string ReadText(ReadOnlySpan<byte> bytes)
    {
        var end = bytes.IndexOf((byte)0);
        return Encoding.UTF8.GetString(end < 0 ? bytes : bytes[..end]);
    }

    private static long EndpointsAfter(int seats) =>
        ChannelLayout.RoundUp(ChannelLayout.RosterAt + Threading.Roster.SizeFor(seats), ChannelLayout.EndpointSize);

    private static ushort U16(ReadOnlySpan<byte> bytes, int at) => BinaryPrimitives.ReadUInt16LittleEndian(bytes[at..]);

    private static uint U32(ReadOnlySpan<byte> bytes, int at) => BinaryPrimitives.ReadUInt32LittleEndian(bytes[at..]);

    private static ulong U64(ReadOnlySpan<byte> bytes, int at) => BinaryPrimitives.ReadUInt64LittleEndian(bytes[at..]);

    private static void Require(bool holds, string subject, string instead)
    {
        if (!holds)
        {
            throw new InvalidDataException($"{subject} cannot be opened as a message channel: {instead}.");
        }
    }
}
