namespace Posix.SharedMemory.Channels;

/// <summary>How a reader of a broadcast is opened.</summary>
public sealed record BroadcastReaderOptions : EndpointOptions
{
    internal static readonly BroadcastReaderOptions Lossless = new();

    /// <summary>Gets what the reader gets where it is slower than the writer. The default is <see cref="BroadcastDelivery.Lossless"/>.</summary>
    public BroadcastDelivery Delivery { get; init; }

    /// <summary>Gets which message it begins with. The default is <see cref="BroadcastStart.Now"/>.</summary>
    public BroadcastStart Start { get; init; }

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
