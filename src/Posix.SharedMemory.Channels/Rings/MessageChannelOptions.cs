using System.Numerics;
using System.Text;

namespace Posix.SharedMemory.Channels;

/// <summary>How a new message channel is created.</summary>
public sealed record MessageChannelOptions
{
    internal static readonly MessageChannelOptions Default = new();

    /// <summary>Gets how many bytes the ring has: a power of two from 4 KiB to 1 GiB. The longest message is a little shorter than half of it. The default is 1 MiB.</summary>
    public long Capacity { get; init; } = 1 << 20;

    /// <summary>Gets where payloads start: at multiples of 8 (the default), 16, 32 or 64 bytes.</summary>
    public int RecordAlignment { get; init; } = 8;

    /// <summary>
    /// Gets how many bytes each message has: a channel of elements, which <see cref="SharedChannel.Open"/> opens for a type of this size and <see cref="ElementAlignment"/>. For programs that do not know
    /// the type, such as a bridge. The default, 0: messages of any length.
    /// </summary>
    public int ElementSize { get; init; }

    /// <summary>Gets the alignment of the type of the elements, a power of two; 0, the default, without <see cref="ElementSize"/>.</summary>
    public int ElementAlignment { get; init; }

    /// <summary>Gets a number that stands for what the messages mean; <see cref="MessageChannel.Open"/> can require it. The default, 0, says nothing.</summary>
    public ulong SchemaId { get; init; }

    /// <summary>Gets what the messages are, for people: at most 48 bytes of UTF-8.</summary>
    public string ContentType { get; init; } = "";

    /// <summary>Gets the number of the host that a bridge imports the channel from. A bridge does not export a channel with one, so that nothing travels in a circle. The default, 0: it was made here.</summary>
    public ulong Origin { get; init; }

    /// <summary>Gets the exact permissions of the object. By default only the owner may read and write.</summary>
    public UnixFileMode Permissions { get; init; } = UnixFileMode.UserRead | UnixFileMode.UserWrite;

    /// <summary>Gets when the name is removed. The default, <see cref="Lifetime.UnlinkOnLastDispose"/>, removes it with the last process that has the channel open.</summary>
    public Lifetime Lifetime { get; init; } = Lifetime.UnlinkOnLastDispose;

    /// <summary>Gets what <see cref="MessageChannel.Create"/> does if the name is taken. The default is <see cref="NameConflict.Fail"/>.</summary>
    public NameConflict OnConflict { get; init; }

    internal static MessageChannelOptions Check(MessageChannelOptions? options)
    {
        if (options is null)
        {
            return Default;
        }

        if (options.Capacity is < ChannelLayout.LeastCapacity or > ChannelLayout.MostCapacity || !BitOperations.IsPow2(options.Capacity))
        {
            throw new ArgumentOutOfRangeException(nameof(options), options.Capacity, "A capacity is a power of two from 4096 to 1073741824 bytes.");
        }

        if (options.RecordAlignment is not (8 or 16 or 32 or 64))
        {
            throw new ArgumentOutOfRangeException(nameof(options), options.RecordAlignment, "Records are aligned to 8, 16, 32 or 64 bytes.");
        }

        if (options.ElementSize < 0 || options.ElementSize > (options.Capacity / 2) - ChannelHeader.PrefixFor(ChannelLayout.MessageKind, options.RecordAlignment))
        {
            throw new ArgumentOutOfRangeException(nameof(options), options.ElementSize, $"An element in a ring of {options.Capacity} bytes is not longer than half of it, less its header.");
        }

        if (options.ElementSize == 0 ? options.ElementAlignment != 0 : !BitOperations.IsPow2(options.ElementAlignment))
        {
            throw new ArgumentOutOfRangeException(nameof(options), options.ElementAlignment, "The alignment of elements is a power of two, and 0 without elements.");
        }

        return options.ContentType is null || Encoding.UTF8.GetByteCount(options.ContentType) > ChannelLayout.ContentTypeSize || options.ContentType.Contains('\0', StringComparison.Ordinal)
            ? throw new ArgumentException($"A content type has at most {ChannelLayout.ContentTypeSize} bytes of UTF-8 and no NUL.", nameof(options))
            : options;
    }

    internal ChannelHeader ToHeader() => ChannelHeader.ForRing(Capacity, RecordAlignment, SchemaId, ContentType, ElementSize, ElementAlignment) with { Origin = Origin };

    internal SharedMemoryOptions ToObjectOptions() => new() { Permissions = Permissions, Lifetime = Lifetime, OnConflict = OnConflict };
}
