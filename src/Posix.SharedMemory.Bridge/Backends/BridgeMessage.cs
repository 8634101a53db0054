using System.Buffers;

namespace Posix.SharedMemory.Bridge;

/// <summary>A message as a backend received it. Nothing in it is trusted: any program may have published it.</summary>
/// <param name="subject">Where it was published.</param>
/// <param name="headers">What it says of itself.</param>
/// <param name="payload">Its bytes, which are the backend's.</param>
/// <param name="acknowledgement">What it is acknowledged with, where the engine keeps it until then.</param>
public readonly ref struct BridgeMessage(string subject, BridgeHeaders headers, ReadOnlySequence<byte> payload, string? acknowledgement = null)
{
    /// <summary>Gets where it was published.</summary>
    public string Subject { get; } = subject;

    /// <summary>Gets what it says of itself.</summary>
    public BridgeHeaders Headers { get; } = headers;

    /// <summary>Gets its bytes, valid until <see cref="IBridgeReceiver.Receive"/> returns.</summary>
    public ReadOnlySequence<byte> Payload { get; } = payload;

    /// <summary>Gets what it is acknowledged with by <see cref="IDurableSubscription.AcknowledgeAsync"/>; <see langword="null"/>: the engine does not keep it.</summary>
    public string? Acknowledgement { get; } = acknowledgement;
}
