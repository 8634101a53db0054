using System.Numerics;
using System.Text;

namespace Posix.SharedMemory.Channels;

/// <summary>How a new <see cref="LatestValue{T}"/> is created.</summary>
/// <example>
/// <code><![CDATA[
/// LatestOptions options = new() { Buffers = 8, SchemaId = 3, Permissions = UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.OtherRead };
/// using var temperature = LatestValue<double>.Create("temperature", options);
/// ]]></code>
/// </example>
public record LatestOptions
{
    internal static readonly LatestOptions Default = new();

    /// <summary>
    /// Gets how many values the object holds: a power of two from 2 to 64. The default is 4. The writer fills them in turn, so a reader has to copy again only if the writer
    /// publishes one value less than that while it copies one.
    /// </summary>
    public int Buffers { get; init; } = 4;

    /// <summary>Gets a number that stands for what the value means; <c>Open</c> can require it. The default, 0, says nothing.</summary>
    public ulong SchemaId { get; init; }

    /// <summary>Gets what the value is, for people: at most 48 bytes of UTF-8.</summary>
    public string ContentType { get; init; } = "";

    /// <summary>Gets the number of the host that a bridge imports it from. A bridge does not export what has one, so that nothing travels in a circle. The default, 0: it was made here.</summary>
    public ulong Origin { get; init; }

    /// <summary>Gets the exact permissions of the object. By default only the owner may read and write. Those who may only read can read the value, but not wait for a change.</summary>
    public UnixFileMode Permissions { get; init; } = UnixFileMode.UserRead | UnixFileMode.UserWrite;

    /// <summary>Gets when the name is removed. The default, <see cref="Lifetime.UnlinkOnLastDispose"/>, removes it with the last process that has the object open.</summary>
    public Lifetime Lifetime { get; init; } = Lifetime.UnlinkOnLastDispose;

    /// <summary>Gets what <c>Create</c> does if the name is taken. The default is <see cref="NameConflict.Fail"/>.</summary>
    public NameConflict OnConflict { get; init; }

    internal static LatestOptions Check(LatestOptions? options, bool opens = false)
    {
        if (options is null)
        {
            return Default;
        }

        if (options.Buffers is < ChannelLayout.LeastCount or > ChannelLayout.MostCount || !BitOperations.IsPow2(options.Buffers))
        {
            throw new ArgumentOutOfRangeException(nameof(options), options.Buffers, "The number of buffers is a power of two from 2 to 64.");
        }

        if (options.ContentType is null || Encoding.UTF8.GetByteCount(options.ContentType) > ChannelLayout.ContentTypeSize || options.ContentType.Contains('\0', StringComparison.Ordinal))
        {
            throw new ArgumentException($"A content type has at most {ChannelLayout.ContentTypeSize} bytes of UTF-8 and no NUL.", nameof(options));
        }

        return opens && options.OnConflict != NameConflict.Fail
            ? throw new ArgumentException("OpenOrCreate opens what exists; to replace it, use Create.", nameof(options))
            : options;
    }

    internal SharedMemoryOptions ToObjectOptions() => new() { Permissions = Permissions, Lifetime = Lifetime, OnConflict = OnConflict };
}
