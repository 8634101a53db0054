namespace Posix.SharedMemory.Channels;

/// <summary>How a reader of frames is opened.</summary>
public sealed record FrameReaderOptions : EndpointOptions
{
    internal static readonly FrameReaderOptions Newest = new();

    /// <summary>Makes the options of a reader that is given the newest frames.</summary>
    public FrameReaderOptions()
    {
    }

    private FrameReaderOptions(EndpointOptions original)
        : base(original)
    {
    }

    /// <summary>Gets what becomes of a frame that is sent while too many wait for this reader. The default is <see cref="FrameOverflow.DropOldest"/>.</summary>
    public FrameOverflow Overflow { get; init; }

    /// <summary>The options as those of a reader of frames, which they may be already.</summary>
    internal static FrameReaderOptions Of(EndpointOptions options) => options as FrameReaderOptions ?? new(options);

    internal static FrameReaderOptions Check(FrameReaderOptions? options)
    {
        if (options is null)
        {
            return Newest;
        }

        EndpointOptions.Check(options);
        return Enum.IsDefined(options.Overflow) ? options
            : throw new ArgumentOutOfRangeException(nameof(options), options.Overflow, "The value is not defined by the enumeration.");
    }
}
