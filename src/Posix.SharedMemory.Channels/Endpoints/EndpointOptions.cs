using System.Text;

namespace Posix.SharedMemory.Channels;

/// <summary>How a writer or reader is opened.</summary>
public record EndpointOptions
{
    internal static readonly EndpointOptions Default = new();

    /// <summary>Gets the name under which status and error messages show the endpoint: at most 32 bytes of UTF-8.</summary>
    public string Label { get; init; } = "";

    /// <summary>Gets what a wait does when the other side has died or left. The default is <see cref="PeerRestart.Fail"/>.</summary>
    public PeerRestart Restart { get; init; } = PeerRestart.Fail;

    /// <summary>
    /// Gets how long a blocking wait polls before it sleeps in the kernel. <see langword="null"/>, the default: 25 µs where there is more than one processor, and only while
    /// recent waits ended that soon. Asynchronous waits never poll.
    /// </summary>
    public TimeSpan? SpinBudget { get; init; }

    /// <summary>
    /// Gets whether what follows an asynchronous wait may run on the thread that serves all waits of this process. That saves the way over the thread pool; code that blocks
    /// there stalls every asynchronous wait of the process. Off by default.
    /// </summary>
    public bool AllowSynchronousContinuations { get; init; }

    internal static EndpointOptions Check(EndpointOptions? options)
    {
        if (options is null)
        {
            return Default;
        }

        if (options.Label is null || Encoding.UTF8.GetByteCount(options.Label) > ChannelLayout.LabelSize || options.Label.Contains('\0', StringComparison.Ordinal))
        {
            throw new ArgumentException($"A label has at most {ChannelLayout.LabelSize} bytes of UTF-8 and no NUL.", nameof(options));
        }

        if (!Enum.IsDefined(options.Restart))
        {
            throw new ArgumentOutOfRangeException(nameof(options), options.Restart, "The value is not defined by the enumeration.");
        }

        return options.SpinBudget is { } budget && budget < TimeSpan.Zero
            ? throw new ArgumentOutOfRangeException(nameof(options), budget, "A time to poll is not negative.")
            : options;
    }
}
