namespace Posix.SharedMemory.Channels;

/// <summary>How a reader of a broadcast is opened.</summary>
public sealed record BroadcastReaderOptions : EndpointOptions
{
    internal static readonly BroadcastReaderOptions Lossless = new();

    /// <summary>Options of a reader that loses nothing and begins with the next message.</summary>
    public BroadcastReaderOptions()
    {
    }

    private BroadcastReaderOptions(EndpointOptions options)
        : base(options)
    {
    }

    /// <summary>Gets what the reader gets where it is slower than the writer. The default is <see cref="BroadcastDelivery.Lossless"/>.</summary>
    public BroadcastDelivery Delivery { get; init; }

    /// <summary>Gets which message it begins with. The default is <see cref="BroadcastStart.Now"/>.</summary>
    public BroadcastStart Start { get; init; }

    /// <summary>The options as those of a reader of a broadcast, which they may be already.</summary>
    internal static BroadcastReaderOptions Of(EndpointOptions options) => options as BroadcastReaderOptions ?? new(options);

    internal static BroadcastReaderOptions Check(BroadcastReaderOptions? options)
    {
        if (options is null)
        {
            return Lossless;
        }

        EndpointOptions.Check(options);
        return Enum.IsDefined(options.Delivery) ? options
            : throw new ArgumentOutOfRangeException(nameof(options), options.Delivery, "The value is not defined by the enumeration.");
    }
}
