using System.Buffers.Binary;
using System.Numerics;
using System.Text;

namespace Posix.SharedMemory.Channels;

/// <summary>The first 256 bytes of a channel, which never change: copied once when a channel is opened, checked against the object's length, and never read again.</summary>
internal sealed record ChannelHeader
{
    private FrameLayout? _frames;

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

    /// <summary>Gets whether roster, endpoints and event counts are in a second object, so that readers cannot write the data.</summary>
    internal bool IsSplit { get; init; }

    /// <summary>Gets which host a bridge imported the channel from; 0: none.</summary>
    internal ulong Origin { get; init; }

    /// <summary>Gets how many buffers a latest value has, how many places of records the history of a broadcast, and how many slots a frame channel.</summary>
    internal int Count { get; init; }

    /// <summary>Gets where the parts of a frame channel are.</summary>
    /// <exception cref="InvalidOperationException">It is of another kind.</exception>
    internal FrameLayout Frames => _frames ?? throw new InvalidOperationException("Only a frame channel has slots.");

    /// <summary>Gets how much of the object every process maps: all of it, but not the slots of a frame channel, which its ends map for themselves.</summary>
    internal long MappedLength => _frames?.SlotsOffset ?? Total;

    /// <summary>Gets how many bytes a buffer of a latest value takes.</summary>
    internal long Stride => StrideFor(MaxMessage);

    /// <summary>Gets where the endpoints begin.</summary>
    internal long EndpointsOffset => EndpointsAfter(Seats);

    /// <summary>Gets where payloads start in a record.</summary>
    internal int Prefix => PrefixFor(Kind, RecordAlign);

    /// <summary>Gets where the history of a broadcast is.</summary>
    internal long HistoryOffset => DataOffset + Capacity;

    /// <summary>The header of a new ring.</summary>
    internal static ChannelHeader ForRing(long capacity, int recordAlign, ulong schemaId, string contentType, int elementSize = 0, int elementAlign = 0) =>
        New(ChannelLayout.MessageKind, ChannelLayout.MessageEndpoints + ChannelLayout.SpareSeats, ChannelLayout.MessageEndpoints, capacity) with
        {
            Capacity = capacity,
            MaxMessage = elementSize != 0 ? elementSize : (int)(capacity / 2) - PrefixFor(ChannelLayout.MessageKind, recordAlign),
            RecordAlign = recordAlign,
            SchemaId = schemaId,
            ContentType = contentType,
            ElementSize = elementSize,
            ElementAlign = elementAlign,
        };

    /// <summary>The header of a new latest value. Its many seats are for readers, which have no endpoints.</summary>
    internal static ChannelHeader ForLatest(int maxMessage, int count, ulong schemaId, string contentType, int elementSize = 0, int elementAlign = 0) =>
        New(ChannelLayout.LatestKind, ChannelLayout.LatestSeats, ChannelLayout.LatestEndpoints, count * StrideFor(maxMessage)) with
        {
            MaxMessage = maxMessage,
            RecordAlign = ChannelLayout.WidePrefix,
            SchemaId = schemaId,
            ContentType = contentType,
            ElementSize = elementSize,
            ElementAlign = elementAlign,
            Count = count,
        };

    /// <summary>The header of a new broadcast.</summary>
    internal static ChannelHeader ForBroadcast(long capacity, int recordAlign, int readers, int history, ulong schemaId, string contentType) =>
        New(ChannelLayout.BroadcastKind, readers + 1 + ChannelLayout.SpareSeats, readers + 1, capacity + (history * (long)sizeof(ulong))) with
        {
            Capacity = capacity,
            MaxMessage = (int)(capacity / 2) - PrefixFor(ChannelLayout.BroadcastKind, recordAlign),
            RecordAlign = recordAlign,
            SchemaId = schemaId,
            ContentType = contentType,
            Count = history,
        };

    /// <summary>The header of a new fan-in.</summary>
    internal static ChannelHeader ForFanIn(long capacity, int writers, ulong schemaId, string contentType) =>
        New(ChannelLayout.FanInKind, writers + 1 + ChannelLayout.SpareSeats, writers + 1, capacity) with
        {
            Capacity = capacity,
            MaxMessage = MostInFanIn(capacity),
            RecordAlign = ChannelLayout.WidePrefix,
            SchemaId = schemaId,
            ContentType = contentType,
        };

    /// <summary>The header of a new frame channel.</summary>
    /// <param name="classes">The sizes of its slots, smallest first.</param>
    /// <param name="depth">How many frames wait for a subscriber at most.</param>
    /// <param name="readers">How many subscribers there can be.</param>
    /// <param name="slotAlign">Where slots begin.</param>
    /// <param name="schemaId">What the frames mean.</param>
    /// <param name="contentType">The same for people.</param>
    internal static ChannelHeader ForFrames(SlotClass[] classes, int depth, int readers, int slotAlign, ulong schemaId, string contentType)
    {
        var header = New(ChannelLayout.FramesKind, readers + 1 + ChannelLayout.SpareSeats, readers + 1, 0) with
        {
            MaxMessage = (int)classes[^1].Length,
            RecordAlign = slotAlign,
            SchemaId = schemaId,
            ContentType = contentType,
            Count = classes.Sum(slots => slots.Count),
        };
        var frames = new FrameLayout(header.DataOffset, readers, depth, slotAlign, classes);
        return header with { Total = frames.Total, _frames = frames };
    }

    /// <summary>The same for another object, with an epoch of its own.</summary>
    internal ChannelHeader Again() => this with { Epoch = NewEpoch() };

    /// <summary>Which endpoints are for writers, and which for readers: the writers' come first.</summary>
    internal (int First, int Count) PlacesOf(bool writers)
    {
        var first = Kind == ChannelLayout.FanInKind ? Endpoints - 1 : 1;
        return writers ? (0, first) : (first, Endpoints - first);
    }

    internal static int MostInFanIn(long capacity) => (int)Math.Min((capacity / 2) - ChannelLayout.WidePrefix, ChannelLayout.MostInClaim);

    internal static long StrideFor(int maxMessage) => ChannelLayout.RoundUp(ChannelLayout.WidePrefix + (long)maxMessage, ChannelLayout.LineSize);

    internal static int PrefixFor(ushort kind, int recordAlign) => Math.Max(kind == ChannelLayout.BroadcastKind ? ChannelLayout.WidePrefix : ChannelLayout.RecordHeaderSize, recordAlign);

    /// <summary>The kind that bytes name, if it is one that this version knows; otherwise that of a message channel, which is then what is missed.</summary>
    internal static ushort KnownKind(ReadOnlySpan<byte> bytes) => U16(bytes, ChannelLayout.KindAt) is var kind and (ChannelLayout.BroadcastKind or ChannelLayout.LatestKind or ChannelLayout.FramesKind or ChannelLayout.FanInKind) ? kind : ChannelLayout.MessageKind;

    /// <summary>Whether bytes begin as a channel of any version does.</summary>
    internal static bool IsChannel(ReadOnlySpan<byte> bytes) => (U64(bytes, ChannelLayout.MagicAt) & ChannelLayout.MagicWithoutVersion) == (ChannelLayout.Magic & ChannelLayout.MagicWithoutVersion);

    /// <summary>Reads and checks a private copy of the header.</summary>
    /// <param name="bytes">The object's first 256 bytes.</param>
    /// <param name="length">The object's length.</param>
    /// <param name="subject">What the messages call the object.</param>
    /// <param name="expected">The kind that it must be.</param>
    /// <param name="features">The features that it must have.</param>
    /// <exception cref="InvalidDataException">What is there instead, or which field contradicts which.</exception>
    internal static ChannelHeader Parse(ReadOnlySpan<byte> bytes, long length, string subject, ushort expected = ChannelLayout.MessageKind, uint features = 0)
    {
        var magic = U64(bytes, ChannelLayout.MagicAt);
        Require(magic == ChannelLayout.Magic, $"its first bytes are {magic:x16}, not those of a channel of version 1 ({ChannelLayout.Magic:x16})");
        var kind = U16(bytes, ChannelLayout.KindAt);
        Require(kind == expected, $"it is {(IsKnown(kind) ? NameOf(kind) : "a channel")} of kind {kind}, not {NameOf(expected)} of kind {expected}");
        var required = U32(bytes, ChannelLayout.RequiredAt);
        Require(required == features, OtherFeatures(kind, required));
        var total = U64(bytes, ChannelLayout.TotalAt);
        Require(total == (ulong)length, $"its header says {total} bytes, and it has {length}");
        Require(U64(bytes, ChannelLayout.EpochAt) != 0, "its epoch is 0");
        var roster = U32(bytes, ChannelLayout.RosterOffsetAt);
        Require(roster == ChannelLayout.RosterAt, $"its roster is at {roster}, not at {ChannelLayout.RosterAt}");
        int seats = U16(bytes, ChannelLayout.SeatsAt), endpoints = U16(bytes, ChannelLayout.EndpointsAt);
        Require(seats is >= 1 and <= 1023, $"it has {seats} seats, not 1 to 1023");
        var (least, greatest) = EndpointsOf(kind);
        Require(endpoints >= least && endpoints <= greatest, $"it has {endpoints} endpoints, not {(least == greatest ? $"{least}" : $"{least} to {greatest}")}");
        ulong data = U64(bytes, ChannelLayout.DataOffsetAt), capacity = U64(bytes, ChannelLayout.CapacityAt);
        uint align = U32(bytes, ChannelLayout.RecordAlignAt), most = U32(bytes, ChannelLayout.MaxMessageAt), count = U32(bytes, ChannelLayout.CountAt);
        if (Contradiction(kind, capacity, align, most, count) is { } contradiction)
        {
            Require(false, contradiction);
        }

        var frames = kind == ChannelLayout.FramesKind ? ParseFrames(bytes, (long)Math.Min(data, long.MaxValue / 2), endpoints - 1, count, most, Require) : null;
        var size = SizeOf(kind, capacity, count, most, frames);
        Require(data % ChannelLayout.PageSize == 0 && data >= (ulong)(EndpointsAfter(seats) + (endpoints * ChannelLayout.EndpointSize)) && data <= total && size <= total - data,
            $"its {size} bytes of data at {data} do not fit into {total} bytes past the endpoints");
        uint elementSize = U32(bytes, ChannelLayout.ElementSizeAt), elementAlign = U32(bytes, ChannelLayout.ElementAlignAt);
        Require(elementSize == 0 || elementSize == most, $"its elements have {elementSize} bytes, and its messages up to {most}");
        return new()
        {
            _frames = frames,
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
            Count = (int)count,
            ContentType = ReadText(bytes.Slice(ChannelLayout.ContentTypeAt, ChannelLayout.ContentTypeSize)),
            Origin = U64(bytes, ChannelLayout.OriginAt),
            IsSplit = required == ChannelLayout.SplitFeature,
        };

        void Require(bool holds, string instead)
        {
            if (!holds)
            {
                throw new InvalidDataException($"{subject} cannot be opened as {NameOf(expected)}: {instead}.");
            }
        }
    }

    /// <summary>Writes all but the magic, which the creator stores last.</summary>
    internal void Write(Span<byte> bytes)
    {
        BinaryPrimitives.WriteUInt16LittleEndian(bytes[ChannelLayout.KindAt..], Kind);
        BinaryPrimitives.WriteUInt32LittleEndian(bytes[ChannelLayout.RequiredAt..], IsSplit ? ChannelLayout.SplitFeature : 0);
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
        BinaryPrimitives.WriteInt32LittleEndian(bytes[ChannelLayout.CountAt..], Count);
        _frames?.Write(bytes);
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

    private static (int Least, int Most) EndpointsOf(ushort kind) => kind switch
    {
        ChannelLayout.LatestKind => (ChannelLayout.LatestEndpoints, ChannelLayout.LatestEndpoints),
        ChannelLayout.FanInKind => (ChannelLayout.LeastFanInEndpoints, ChannelLayout.MostFanInEndpoints),
        ChannelLayout.BroadcastKind => (ChannelLayout.LeastBroadcastEndpoints, ChannelLayout.MostBroadcastEndpoints),
        ChannelLayout.FramesKind => (ChannelLayout.LeastFramesEndpoints, ChannelLayout.MostFramesEndpoints),
        _ => (ChannelLayout.MessageEndpoints, ChannelLayout.MessageEndpoints),
    };

    private static FrameLayout ParseFrames(ReadOnlySpan<byte> bytes, long data, int readers, uint count, uint most, Action<bool, string> require)
    {
        var frames = FrameLayout.Parse(bytes, data, readers, count, most, out var wrong);
        require(wrong is null, wrong ?? "");
        return frames!;
    }

    /// <summary>How many bytes the data takes.</summary>
    private static ulong SizeOf(ushort kind, ulong capacity, uint count, uint most, FrameLayout? frames) => kind switch
    {
        ChannelLayout.FramesKind => (ulong)(frames!.Total - frames.BlocksOffset),
        ChannelLayout.LatestKind => count * (ulong)StrideFor((int)most),
        ChannelLayout.BroadcastKind => capacity + (count * (ulong)sizeof(ulong)),
        _ => capacity,
    };

    /// <summary>What the sizes of a kind contradict, if anything.</summary>
    private static string? Contradiction(ushort kind, ulong capacity, uint align, uint most, uint count)
    {
        if (kind == ChannelLayout.LatestKind)
        {
            return capacity != 0 || align != ChannelLayout.WidePrefix ? $"its capacity is {capacity} and its alignment {align}, not 0 and {ChannelLayout.WidePrefix}"
                : count is < ChannelLayout.LeastCount or > ChannelLayout.MostCount || !BitOperations.IsPow2(count) ? $"it has {count} buffers, not a power of two from {ChannelLayout.LeastCount} to {ChannelLayout.MostCount}"
                : most is < 1 or > ChannelLayout.MostValue ? $"its longest value has {most} bytes, not 1 to {ChannelLayout.MostValue}"
                : null;
        }

        if (kind == ChannelLayout.FramesKind)
        {
            // The rest of it is checked with the layout of the slots.
            return capacity != 0 ? $"its capacity is {capacity}, not 0" : null;
        }

        if (capacity is < ChannelLayout.LeastCapacity or > ChannelLayout.MostCapacity || !BitOperations.IsPow2(capacity))
        {
            return $"its capacity is {capacity}, not a power of two from {ChannelLayout.LeastCapacity} to {ChannelLayout.MostCapacity}";
        }

        if (kind == ChannelLayout.FanInKind)
        {
            return align != ChannelLayout.WidePrefix ? $"its records are aligned to {align}, not to {ChannelLayout.WidePrefix}"
                : most > (uint)MostInFanIn((long)capacity) ? $"its longest message has {most} bytes, more than the {MostInFanIn((long)capacity)} that its capacity of {capacity} allows"
                : null;
        }

        return align is not (8 or 16 or 32 or 64) ? $"its records are aligned to {align}, not to 8, 16, 32 or 64"
            : kind == ChannelLayout.BroadcastKind && count > ChannelLayout.MostHistory ? $"its history has {count} places, more than {ChannelLayout.MostHistory}"
            : most > (capacity / 2) - (ulong)PrefixFor(kind, (int)align) ? $"its longest message has {most} bytes, more than half of its capacity of {capacity} holds"
            : null;
    }

    /// <summary>What messages call a kind.</summary>
    internal static string NameOf(ushort kind) => kind switch
    {
        ChannelLayout.LatestKind => "a latest value",
        ChannelLayout.FanInKind => "a fan-in",
        ChannelLayout.BroadcastKind => "a broadcast",
        ChannelLayout.FramesKind => "a frame channel",
        _ => "a message channel",
    };

    private static string OtherFeatures(ushort kind, uint required) => (kind, required) switch
    {
        (_, 0) => "it is whole, not one of two objects: open it with FromObject",
        (ChannelLayout.BroadcastKind, ChannelLayout.SplitFeature) => "it is one of the two objects of a split broadcast: open both together, with Broadcast.FromObjects",
        _ => $"it needs the features 0x{required:x}, and this version knows 0x{(kind == ChannelLayout.BroadcastKind ? ChannelLayout.SplitFeature : 0):x}",
    };

    private static bool IsKnown(ushort kind) => kind is ChannelLayout.MessageKind or ChannelLayout.BroadcastKind or ChannelLayout.LatestKind or ChannelLayout.FramesKind or ChannelLayout.FanInKind;

    private static ulong NewEpoch() => (ulong)Random.Shared.NextInt64(1, long.MaxValue);

    private static ChannelHeader New(ushort kind, int seats, int endpoints, long size)
    {
        var data = ChannelLayout.RoundUp(EndpointsAfter(seats) + (endpoints * ChannelLayout.EndpointSize), Environment.SystemPageSize);
        return new()
        {
            Kind = kind,
            Total = data + size,
            Epoch = NewEpoch(),
            Seats = seats,
            Endpoints = endpoints,
            DataOffset = data,
        };
    }
}
