using System.Numerics;
using System.Text;

namespace Posix.SharedMemory.Channels;

/// <summary>How a new fan-in is created.</summary>
/// <example>
/// <code><![CDATA[
/// FanInOptions options = new() { Capacity = 1 << 22, MaxWriters = 8, OnConflict = NameConflict.ReplaceAbandoned };
/// using var log = FanIn.Create("log", options);
/// ]]></code>
/// </example>
public sealed record FanInOptions
{
    internal static readonly FanInOptions Default = new();

    /// <summary>Gets how many bytes the ring has: a power of two from 4 KiB to 1 GiB. The longest message is a little shorter than half of it, and has at most 262,064 bytes. The default is 1 MiB.</summary>
    public long Capacity { get; init; } = 1 << 20;

    /// <summary>Gets how many writers can be open at the same time: 1 to 64, the default.</summary>
    public int MaxWriters { get; init; } = ChannelLayout.MostFanInEndpoints - 1;

    /// <summary>Gets a number that stands for what the messages mean; <see cref="FanIn.Open"/> can require it. The default, 0, says nothing.</summary>
    public ulong SchemaId { get; init; }

    /// <summary>Gets what the messages are, for people: at most 48 bytes of UTF-8.</summary>
    public string ContentType { get; init; } = "";

    /// <summary>Gets the number of the host that a bridge imports it from. A bridge does not export what has one, so that nothing travels in a circle. The default, 0: it was made here.</summary>
    public ulong Origin { get; init; }

    /// <summary>Gets the exact permissions of the object. By default only the owner may read and write.</summary>
    public UnixFileMode Permissions { get; init; } = UnixFileMode.UserRead | UnixFileMode.UserWrite;

    /// <summary>Gets when the name is removed. The default, <see cref="Lifetime.UnlinkOnLastDispose"/>, removes it with the last process that has the channel open.</summary>
    public Lifetime Lifetime { get; init; } = Lifetime.UnlinkOnLastDispose;

    /// <summary>Gets what <see cref="FanIn.Create"/> does if the name is taken. The default is <see cref="NameConflict.Fail"/>.</summary>
    public NameConflict OnConflict { get; init; }

    internal static FanInOptions Check(FanInOptions? options)
    {
        if (options is null)
        {
            return Default;
        }

        if (options.Capacity is < ChannelLayout.LeastCapacity or > ChannelLayout.MostCapacity || !BitOperations.IsPow2(options.Capacity))
        {
            throw new ArgumentOutOfRangeException(nameof(options), options.Capacity, "A capacity is a power of two from 4096 to 1073741824 bytes.");
        }

        if (options.MaxWriters is < 1 or >= ChannelLayout.MostFanInEndpoints)
        {
            throw new ArgumentOutOfRangeException(nameof(options), options.MaxWriters, "A fan-in has 1 to 64 writers.");
        }

        return options.ContentType is null || Encoding.UTF8.GetByteCount(options.ContentType) > ChannelLayout.ContentTypeSize || options.ContentType.Contains('\0', StringComparison.Ordinal)
            ? throw new ArgumentException($"A content type has at most {ChannelLayout.ContentTypeSize} bytes of UTF-8 and no NUL.", nameof(options))
            : options;
    }

    internal ChannelHeader ToHeader() => ChannelHeader.ForFanIn(Capacity, MaxWriters, SchemaId, ContentType) with { Origin = Origin };

    internal SharedMemoryOptions ToObjectOptions() => new() { Permissions = Permissions, Lifetime = Lifetime, OnConflict = OnConflict };
}
