namespace Posix.SharedMemory.Channels;

/// <summary>How a new <see cref="LatestBytes"/> is created.</summary>
public sealed record LatestBytesOptions : LatestOptions
{
    private static readonly LatestBytesOptions s_default = new();

    /// <summary>Gets how many bytes the longest value has: 1 to 1 GiB. The default is 4096. The object takes that many for each of its buffers.</summary>
    public int MaxLength { get; init; } = 4096;

    internal static LatestBytesOptions Check(LatestBytesOptions? options, bool opens = false)
    {
        if (options is null)
        {
            return s_default;
        }

        LatestOptions.Check(options, opens);
        return options.MaxLength is < 1 or > ChannelLayout.MostValue
            ? throw new ArgumentOutOfRangeException(nameof(options), options.MaxLength, $"The longest value has 1 to {ChannelLayout.MostValue} bytes.")
            : options;
    }

    internal ChannelHeader ToHeader() => ChannelHeader.ForLatest(MaxLength, Buffers, SchemaId, ContentType) with { Origin = Origin };
}
