using System.Buffers.Binary;
using System.Text;
using Posix.SharedMemory.Channels;

namespace Posix.SharedMemory.Tool;

/// <summary>The beginning of a recording: which channel it is of, and what a replay needs to create one like it. docs/spec/channels/recording.md has the bytes.</summary>
/// <param name="Kind">A broadcast, or frames.</param>
/// <param name="Name">The channel's name, as it was given.</param>
/// <param name="Longest">How many bytes its longest message can have.</param>
/// <param name="Capacity">How many bytes its ring or its slots have.</param>
/// <param name="MaxReaders">How many readers can be open.</param>
/// <param name="SchemaId">What its messages mean.</param>
/// <param name="ContentType">The same, for people.</param>
/// <param name="Began">When the recording began.</param>
internal sealed record RecordingHeader(ChannelKind Kind, string Name, int Longest, long Capacity, int MaxReaders, ulong SchemaId, string ContentType, DateTimeOffset Began)
{
    internal const int Size = 512;

    /// <summary>The longest message that any channel carries.</summary>
    internal const int MostLength = 1 << 30;

    private const int KindAt = 8, LongestAt = 12, SchemaAt = 16, CapacityAt = 24, ReadersAt = 32, NameLengthAt = 34, BeganAt = 40, ContentAt = 48, ContentSize = 48, NameAt = 96, NameSize = 256, CheckAt = 508;

    private static ReadOnlySpan<byte> Magic => "SHMREC\0\u0001"u8;

    /// <summary>The header of a recording that begins now.</summary>
    internal static RecordingHeader Of(string name, ChannelStatus status) => new(
        status.Kind, name, status.MaxMessageLength, status.Capacity, status.Endpoints.Count(endpoint => endpoint.Role == EndpointRole.Reader), status.SchemaId, status.ContentType, TimeProvider.System.GetUtcNow());

    internal void Write(Span<byte> bytes)
    {
        bytes[..Size].Clear();
        Magic.CopyTo(bytes);
        BinaryPrimitives.WriteUInt16LittleEndian(bytes[KindAt..], (ushort)Kind);
        BinaryPrimitives.WriteInt32LittleEndian(bytes[LongestAt..], Longest);
        BinaryPrimitives.WriteUInt64LittleEndian(bytes[SchemaAt..], SchemaId);
        BinaryPrimitives.WriteInt64LittleEndian(bytes[CapacityAt..], Capacity);
        BinaryPrimitives.WriteUInt16LittleEndian(bytes[ReadersAt..], (ushort)MaxReaders);
        BinaryPrimitives.WriteUInt16LittleEndian(bytes[NameLengthAt..], (ushort)Encoding.UTF8.GetBytes(Name, bytes.Slice(NameAt, NameSize)));
        BinaryPrimitives.WriteInt64LittleEndian(bytes[BeganAt..], Began.ToUnixTimeMilliseconds() * 1_000_000);
        // Of a channel whose text is not UTF-8, what has room.
        System.Text.Unicode.Utf8.FromUtf16(ContentType, bytes.Slice(ContentAt, ContentSize), out _, out _);
        BinaryPrimitives.WriteUInt32LittleEndian(bytes[CheckAt..], Checksum.Of(bytes[..CheckAt]));
    }

    /// <summary>Reads a header that may be anything.</summary>
    /// <returns><see langword="null"/>: it is not one, or is of another version, or damaged.</returns>
    internal static RecordingHeader? Read(ReadOnlySpan<byte> bytes)
    {
        if (bytes.Length < Size || !bytes.StartsWith(Magic) || BinaryPrimitives.ReadUInt32LittleEndian(bytes[CheckAt..]) != Checksum.Of(bytes[..CheckAt]))
        {
            return null;
        }

        var kind = (ChannelKind)BinaryPrimitives.ReadUInt16LittleEndian(bytes[KindAt..]);
        var (longest, capacity) = (BinaryPrimitives.ReadInt32LittleEndian(bytes[LongestAt..]), BinaryPrimitives.ReadInt64LittleEndian(bytes[CapacityAt..]));
        var (readers, name) = (BinaryPrimitives.ReadUInt16LittleEndian(bytes[ReadersAt..]), BinaryPrimitives.ReadUInt16LittleEndian(bytes[NameLengthAt..]));
        var began = BinaryPrimitives.ReadInt64LittleEndian(bytes[BeganAt..]);
        var content = bytes.Slice(ContentAt, ContentSize);
        return kind is not (ChannelKind.Broadcast or ChannelKind.Frames) || longest is < 1 or > MostLength || capacity is < 1 || readers is < 1 or > 64 || name > NameSize || began < 0 ? null
            : new(
                kind, Encoding.UTF8.GetString(bytes.Slice(NameAt, name)), longest, capacity, readers, BinaryPrimitives.ReadUInt64LittleEndian(bytes[SchemaAt..]),
                Encoding.UTF8.GetString(content[..(content.IndexOf((byte)0) is >= 0 and var end ? end : ContentSize)]), DateTimeOffset.FromUnixTimeMilliseconds(began / 1_000_000));
    }
}
