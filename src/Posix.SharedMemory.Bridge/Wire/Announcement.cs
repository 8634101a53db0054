using System.Buffers;
using System.Text.Json;
using System.Text.Json.Serialization;
using Posix.SharedMemory.Channels;

namespace Posix.SharedMemory.Bridge;

/// <summary>What an exporter says of one of its channels, as JSON.</summary>
internal sealed record Announcement
{
    private const int MostBytes = 4096, SlotHeader = 128;

    /// <summary>Gets the host, as one token of a subject.</summary>
    public string Host { get; init; } = "";

    /// <summary>Gets which host it is, where others have the same name: what <see cref="HostInstance"/> says; empty: the name says it.</summary>
    public string Instance { get; init; } = "";

    /// <summary>Gets the channel's name, as the end of a subject.</summary>
    public string Channel { get; init; } = "";

    public int Kind { get; init; }

    /// <summary>Gets the life of the channel, 16 hexadecimal digits.</summary>
    public string Epoch { get; init; } = "";

    public long Capacity { get; init; }

    public int Alignment { get; init; }

    /// <summary>Gets how many messages the history of a broadcast has, how many buffers a latest value, or how many frames wait for a reader at most.</summary>
    public int History { get; init; }

    /// <summary>Gets how many readers a broadcast or a frame channel can have, or how many writers a fan-in.</summary>
    public int Ends { get; init; }

    /// <summary>Gets the slots of a frame channel, as <see cref="SlotText"/> writes them; <see langword="null"/>: it is of another kind.</summary>
    public string? Slots { get; init; }

    /// <summary>Gets how many bytes each message has, where they are elements of a type; else 0.</summary>
    public int ElementSize { get; init; }

    /// <summary>Gets the alignment of that type.</summary>
    public int ElementAlignment { get; init; }

    public ulong SchemaId { get; init; }

    public string ContentType { get; init; } = "";

    public BridgeDelivery Delivery { get; init; }

    /// <summary>Gets how many bytes of a message are sent at once, where the engine keeps them; else 0.</summary>
    public int Chunk { get; init; }

    /// <summary>Gets the sequence that the next message will have.</summary>
    public long Next { get; init; }

    /// <summary>Gets how many messages the exporter knows to be lost.</summary>
    public long Lost { get; init; }

    /// <summary>Gets the error that the channel was completed with, 0: none; <see langword="null"/>: it is open.</summary>
    public int? Completed { get; init; }

    /// <summary>Gets <see cref="Epoch"/> as a number; 0: it is not one.</summary>
    [JsonIgnore]
    internal ulong EpochNumber => Epoch.Length == 16 && ulong.TryParse(Epoch, System.Globalization.NumberStyles.AllowHexSpecifier, System.Globalization.CultureInfo.InvariantCulture, out var epoch) ? epoch : 0;

    /// <summary>Gets whether only the newest value counts, and there is one all the time.</summary>
    [JsonIgnore]
    internal bool IsValue => Kind == (int)ChannelKind.Latest;

    /// <summary>Gets the sequence that an import expects first; 0: any.</summary>
    [JsonIgnore]
    internal long First => IsValue ? 0 : Next;

    /// <summary>Whether channels of a kind are carried.</summary>
    internal static bool IsCarried(int kind) => (ChannelKind)kind is ChannelKind.Message or ChannelKind.Broadcast or ChannelKind.Latest or ChannelKind.Frames or ChannelKind.FanIn;

    /// <summary>Gets about how many bytes the channel takes.</summary>
    [JsonIgnore]
    internal long Bytes => IsValue ? Capacity * History : Slots is not null ? Capacity + SlotOverhead : Capacity + (History * (long)sizeof(ulong));

    /// <summary>Gets about how many bytes a frame channel takes beside its slots: what each reader can hold, and the slots' headers.</summary>
    private long SlotOverhead => SlotText.TryRead(Slots!, Math.Max(Alignment, 1), out var classes) ? (classes.Sum(slots => (long)slots.SlotCount) * ((Ends * (long)sizeof(ulong)) + SlotHeader)) : 0;

    /// <summary>Whether a ring of one shape serves both.</summary>
    internal bool HasShapeOf(Announcement other) =>
        (Kind, Capacity, Alignment, History, Ends, SchemaId, Delivery) == (other.Kind, other.Capacity, other.Alignment, other.History, other.Ends, other.SchemaId, other.Delivery) && (ContentType, Slots, ElementSize, ElementAlignment) == (other.ContentType, other.Slots, other.ElementSize, other.ElementAlignment);

    /// <summary>Whether both are of the same life of a channel of the same host.</summary>
    internal bool IsOfLifeOf(Announcement other) => EpochNumber == other.EpochNumber && Host == other.Host;

    /// <summary>Whether a channel is announced that the options of a host import, and by another host.</summary>
    internal bool IsFor(BridgeOptions options, out string name)
    {
        name = "";
        return !IsOfHost(options) && SubjectName.TryDecodeHost(Host, out _) && SubjectName.TryDecode(Channel, out name) && options.Imports(name);
    }

    /// <summary>Whether both are of the same host.</summary>
    internal bool HasHostOf(Announcement other) => (Host, Instance) == (other.Host, other.Instance);

    /// <summary>Whether a host with these options has announced it.</summary>
    private bool IsOfHost(BridgeOptions options) => Host == SubjectName.EncodeHost(options.Host) && (Instance.Length == 0 || Instance == HostInstance.Of(options.NamePrefix));

    internal byte[] ToBytes() => JsonSerializer.SerializeToUtf8Bytes(this, AnnouncementJson.Default.Announcement);

    /// <summary>Reads an announcement that any program may have written.</summary>
    internal static Announcement? TryParse(in ReadOnlySequence<byte> bytes)
    {
        if (bytes.Length > MostBytes)
        {
            return null;
        }

        try
        {
            var reader = new Utf8JsonReader(bytes);
            return JsonSerializer.Deserialize(ref reader, AnnouncementJson.Default.Announcement) is { Host: not null, Instance: not null, Channel: not null, Epoch: not null, ContentType: not null, Next: > 0 } announcement
                && announcement.EpochNumber != 0 && Enum.IsDefined(announcement.Delivery) ? announcement : null;
        }
        catch (JsonException)
        {
            // It was not written by a bridge.
            return null;
        }
    }
}

/// <summary>Reads and writes announcements without reflection.</summary>
[JsonSourceGenerationOptions(JsonSerializerDefaults.Web, UseStringEnumConverter = true, DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull, NumberHandling = JsonNumberHandling.Strict)]
[JsonSerializable(typeof(Announcement))]
internal sealed partial class AnnouncementJson : JsonSerializerContext;
