using System.Numerics;
using System.Text;

namespace Posix.SharedMemory.Channels;

/// <summary>How a new broadcast is created.</summary>
/// <example>
/// <code><![CDATA[
/// using var prices = Broadcast.Create("prices", new()
/// {
///     History = 100,
///     Permissions = UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.GroupRead,    // The group may read, and is never waited for.
///     Lifetime = Lifetime.Keep,
/// });
/// ]]></code>
/// </example>
public sealed record BroadcastOptions
{
    internal static readonly BroadcastOptions Default = new();

    /// <summary>Gets how many bytes the ring has: a power of two from 4 KiB to 1 GiB. The longest message is a little shorter than half of it. The default is 1 MiB.</summary>
    public long Capacity { get; init; } = 1 << 20;

    /// <summary>Gets how many readers can be open at the same time: 1 to 64. The default is 16.</summary>
    public int MaxReaders { get; init; } = 16;

    /// <summary>
    /// Gets how many of the last messages a reader that comes late can still get: up to 1,048,576, at 8 bytes each beside the ring. They must be in the ring as well: all
    /// of its last three quarters are, counted back from the message that is being written. The default, 0: a reader gets what is written after it was opened.
    /// </summary>
    public int History { get; init; }

    /// <summary>Gets where payloads start: at multiples of 8 (the default), 16, 32 or 64 bytes.</summary>
    public int RecordAlignment { get; init; } = 8;

    /// <summary>Gets a number that stands for what the messages mean; <see cref="Broadcast.Open(string, FileAccess, ulong)"/> can require it. The default, 0, says nothing.</summary>
    public ulong SchemaId { get; init; }

    /// <summary>Gets what the messages are, for people: at most 48 bytes of UTF-8.</summary>
    public string ContentType { get; init; } = "";

    /// <summary>Gets the number of the host that a bridge imports the broadcast from. A bridge does not export a channel with one, so that nothing travels in a circle. The default, 0: it was made here.</summary>
    public ulong Origin { get; init; }

    /// <summary>Gets the exact permissions of the object. By default only the owner may read and write.</summary>
    public UnixFileMode Permissions { get; init; } = UnixFileMode.UserRead | UnixFileMode.UserWrite;

    /// <summary>Gets when the name is removed. The default, <see cref="Lifetime.UnlinkOnLastDispose"/>, removes it with the last process that has the channel open.</summary>
    public Lifetime Lifetime { get; init; } = Lifetime.UnlinkOnLastDispose;

    /// <summary>Gets what <see cref="Broadcast.Create"/> does if the name is taken. The default is <see cref="NameConflict.Fail"/>.</summary>
    public NameConflict OnConflict { get; init; }

    internal static BroadcastOptions Check(BroadcastOptions? options)
    {
        if (options is null)
        {
            return Default;
        }

        if (options.Capacity is < ChannelLayout.LeastCapacity or > ChannelLayout.MostCapacity || !BitOperations.IsPow2(options.Capacity))
        {
            throw new ArgumentOutOfRangeException(nameof(options), options.Capacity, "A capacity is a power of two from 4096 to 1073741824 bytes.");
        }

        if (options.MaxReaders is < 1 or >= ChannelLayout.MostBroadcastEndpoints)
        {
            throw new ArgumentOutOfRangeException(nameof(options), options.MaxReaders, "A broadcast has 1 to 64 readers.");
        }

        if (options.History is < 0 or > ChannelLayout.MostHistory)
        {
            throw new ArgumentOutOfRangeException(nameof(options), options.History, "A history has 0 to 1048576 messages.");
        }

        if (options.RecordAlignment is not (8 or 16 or 32 or 64))
        {
            throw new ArgumentOutOfRangeException(nameof(options), options.RecordAlignment, "Records are aligned to 8, 16, 32 or 64 bytes.");
        }

        return options.ContentType is null || Encoding.UTF8.GetByteCount(options.ContentType) > ChannelLayout.ContentTypeSize || options.ContentType.Contains('\0', StringComparison.Ordinal)
            ? throw new ArgumentException($"A content type has at most {ChannelLayout.ContentTypeSize} bytes of UTF-8 and no NUL.", nameof(options))
            : options;
    }

    internal ChannelHeader ToHeader() => ChannelHeader.ForBroadcast(Capacity, RecordAlignment, MaxReaders, History, SchemaId, ContentType) with { Origin = Origin };

    internal SharedMemoryOptions ToObjectOptions() => new() { Permissions = Permissions, Lifetime = Lifetime, OnConflict = OnConflict };
}
