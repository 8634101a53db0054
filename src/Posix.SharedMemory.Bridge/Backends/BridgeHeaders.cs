namespace Posix.SharedMemory.Bridge;

/// <summary>The headers of a message on the network: text that a backend carries as it is, in headers of the given names.</summary>
public readonly record struct BridgeHeaders
{
    /// <summary>The header of <see cref="Frame"/>.</summary>
    public const string FrameName = "Shm";

    /// <summary>The header of <see cref="IsBatch"/>; its value is 1.</summary>
    public const string BatchName = "Shm-Batch";

    /// <summary>The header of <see cref="Lost"/>.</summary>
    public const string LostName = "Shm-Lost";

    /// <summary>The header of <see cref="End"/>.</summary>
    public const string EndName = "Shm-End";

    /// <summary>The header of <see cref="Description"/>.</summary>
    public const string DescriptionName = "Shm-Frame";

    /// <summary>Gets which part of which message the payload is; <see langword="null"/>: it is not a part of a channel's message.</summary>
    public string? Frame { get; init; }

    /// <summary>Gets the 64 bytes that say what a frame is, as hexadecimal digits; <see langword="null"/>: they are all zero, or the message is not a frame.</summary>
    public string? Description { get; init; }

    /// <summary>Gets whether the payload is several messages, each after its length.</summary>
    public bool IsBatch { get; init; }

    /// <summary>Gets which messages were dropped before they reached the network; <see langword="null"/>: none.</summary>
    public string? Lost { get; init; }

    /// <summary>Gets the error that the channel was completed with, 0: none; <see langword="null"/>: it was not completed.</summary>
    public string? End { get; init; }
}
