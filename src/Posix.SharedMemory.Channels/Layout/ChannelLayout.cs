namespace Posix.SharedMemory.Channels;

/// <summary>Where everything is in a channel's object, in bytes. The pages are docs/spec/channels/endpoints.md and ring.md.</summary>
internal static class ChannelLayout
{
    /// <summary>"SHMCHAN" and the version, 1, little-endian.</summary>
    internal const ulong Magic = 0x014E_4148_434D_4853, MagicWithoutVersion = 0x00FF_FFFF_FFFF_FFFF;

    // The header: never changes after creation.
    internal const int MagicAt = 0, KindAt = 8, MinorAt = 10, RequiredAt = 12, TotalAt = 16, EpochAt = 24, RosterOffsetAt = 32, SeatsAt = 36, EndpointsAt = 38, DataOffsetAt = 40,
        CapacityAt = 48, MaxMessageAt = 56, RecordAlignAt = 60, SchemaIdAt = 64, ElementSizeAt = 72, ElementAlignAt = 76, ContentTypeAt = 80, ContentTypeSize = 48, OriginAt = 128, CountAt = 144, DepthAt = 148, SlotAlignAt = 152, ClassesAt = 160,
        HeaderSize = 256;

    /// <summary>The required feature of a broadcast in two objects. Bit 0 is kept for checksums, bit 1 for rings without an index.</summary>
    internal const uint SplitFeature = 4;

    // Line W, which the writer stores, and line R, which the reader stores.
    internal const int WriterLine = 256, ReaderLine = 384;
    internal const int IndexInLine = 0, MessagesInLine = 8, BytesInLine = 16, WaitsInLine = 24, StateInLine = 32, ErrorInLine = 36, ReleasingInLine = 40;

    // Event counts: slept on by the reader, slept on by the writer, slept on by whoever watches endpoints.
    internal const int ReaderWakesAt = 512, WriterWakesAt = 640, EndpointChangesAt = 704;

    /// <summary>In the word of an event count: a process sleeps, or has prepared to.</summary>
    internal const ulong SleeperInEventCount = 1;

    // Kind 6: the claim word, which writers compare and exchange, and in line C, which the reader stores, what was skipped.
    internal const int ClaimAt = 768, SkippedAt = 896, LostBytesAt = 904;

    // Kind 3: line B, which the writer stores: how far it may have written, how far it may write, the newest record, how many there were, and where the record in the making begins.
    internal const int IntentAt = 768, LimitAt = 776, LatestAt = 784, NextSequenceAt = 792, StartAt = 800;

    internal const int RosterAt = 4096, PageSize = 4096;

    // An endpoint.
    internal const int EndpointSize = 128, GenerationInEndpoint = 16, RoleInEndpoint = 20, ModeInEndpoint = 24, FlagsInEndpoint = 28, LastClaimInEndpoint = 32, PositionInEndpoint = 32, MissedInEndpoint = 40, OpenedInEndpoint = 48, LabelInEndpoint = 64, LabelSize = 32;

    // A record of a ring.
    internal const int RecordHeaderSize = 8, TypeShift = 32, FlagsShift = 48;
    internal const ushort Padding = 1, FirstReservedType = 0xFF00;

    internal const ushort MessageKind = 1, MessageEndpoints = 2, SpareSeats = 8, WriterEndpoint = 0, ReaderEndpoint = 1;

    // Kind 2: two directions of kind 1. The lines and event counts of the second follow those of the first, its endpoints and its data too.
    internal const ushort ConnectionKind = 2, ConnectionEndpoints = 4, Directions = 2;
    internal const int DirectionSize = 1024;

    // Kind 2: a record that says where in the messages an object was sent, which travels over the socket.
    internal const ushort ObjectType = 0xFF00;
    internal const int ObjectRecordSize = 8;

    // Kind 2: records of calls. Each begins with a header; so many calls of a direction are not answered at most.
    internal const ushort CallType = 0xFF01, CancelType = 0xFF02, AnswerType = 0xFF04;
    internal const int CallHeaderSize = 16, MostCalls = 256;

    // Kind 2: an endpoint whose process waits in a loop of its own, and is woken by a byte on the socket.
    internal const uint RingsBySocket = 1;

    // Kind 5: the publisher's endpoint, which a successor has entered since its owner ended.
    internal const uint Succeeded = 2;

    internal const ushort LatestKind = 4, LatestEndpoints = 1, LatestSeats = 63, FanInKind = 6, LeastFanInEndpoints = 2, MostFanInEndpoints = 65;

    internal const ushort BroadcastKind = 3, LeastBroadcastEndpoints = 2, MostBroadcastEndpoints = 65;

    // Kind 3: the sequence in a record, and how many positions of records the history holds at most.
    internal const int SequenceInRecord = 8, MostHistory = 1 << 20;

    // Kind 5: in line W the index counts the frames that were sent; at 768 how many bytes of slots are in use, which the publisher stores.
    internal const ushort FramesKind = 5, LeastFramesEndpoints = 2, MostFramesEndpoints = 65;
    internal const int SlotBytesInUseAt = 768, FirstSequenceInEndpoint = 32;

    // Kind 5: a subscriber's block, with an index on each of four pairs of lines and then its rings; the header of a slot; classes of slots.
    internal const int SentHeadInBlock = 0, SentTailInBlock = 128, ReturnHeadInBlock = 256, ReturnTailInBlock = 384, RingsInBlock = 512, BlockAlign = 128, SlotHeaderSize = 128, SequenceInSlot = 0, TimestampInSlot = 8,
        SlotFrameLength = 16, SlotFrameType = 20, SlotGeneration = 24, SlotFrameHeader = 32, FrameHeaderSize = 64, MostClasses = 8, SlotUnit = 64, MostSlots = 1 << 16, MostDepth = 1 << 10, LeastSlotAlign = 64, MostSlotAlign = 2 << 20,
        MostSlotLength = 1 << 30;

    // Kinds 3, 4 and 6: where payloads start in a buffer or a record, both of which take whole lines.
    internal const int WidePrefix = 16, LineSize = 64;

    // Kind 4: buffers, the longest value, and a buffer.
    internal const int LeastCount = 2, MostCount = 64, MostValue = 1 << 30, VersionInBuffer = 0, LengthInBuffer = 8;

    // Kind 6: the longest message that a claim of 4,095 lines holds.
    internal const int MostInClaim = (4095 * LineSize) - WidePrefix;

    internal const long LeastCapacity = 4096, MostCapacity = 1 << 30;

    /// <summary>An index that grows past this has been overwritten: at 50 GB/s it takes six years.</summary>
    internal const ulong MostIndex = 1UL << 63;

    internal static long RoundUp(long value, long multiple) => (value + multiple - 1) / multiple * multiple;
}
