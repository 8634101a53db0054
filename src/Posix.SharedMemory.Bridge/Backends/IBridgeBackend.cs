namespace Posix.SharedMemory.Bridge;

/// <summary>A messaging engine that carries channels between hosts. It delivers at most once, and what one connection publishes arrives in the order in which it was published, over all subjects.</summary>
/// <remarks>Every implementation has to pass the conformance suite in the tests of this package. All members may be called from several threads at once.</remarks>
public interface IBridgeBackend : IAsyncDisposable
{
    /// <summary>Raised when a connection that was lost is back and all subscriptions are in force again.</summary>
    event EventHandler? Reconnected;

    /// <summary>Gets whether the engine can be reached now.</summary>
    bool IsConnected { get; }

    /// <summary>Gets how many bytes one message may have, headers included.</summary>
    int MaxPayload { get; }

    /// <summary>Publishes a message.</summary>
    /// <param name="subject">Tokens of visible ASCII characters, separated by dots, without wildcards.</param>
    /// <param name="headers">What the message says of itself.</param>
    /// <param name="payload">The bytes; they are the caller's again when the task has completed.</param>
    /// <param name="cancellationToken">Ends the wait for room or for the connection; whether the message was published is unknown then.</param>
    /// <exception cref="IOException">The engine refused the message, or the connection was lost: whether it was published is unknown.</exception>
    /// <exception cref="OperationCanceledException">The token was cancelled.</exception>
    ValueTask PublishAsync(string subject, BridgeHeaders headers, ReadOnlyMemory<byte> payload, CancellationToken cancellationToken);

    /// <summary>Subscribes to subjects. What this connection publishes itself is not delivered to it.</summary>
    /// <param name="subject">A subject in which a token may be <c>*</c>, any token, and the last <c>&gt;</c>, one or more tokens.</param>
    /// <param name="receiver">Gets the messages.</param>
    /// <param name="cancellationToken">Ends the wait for the connection.</param>
    /// <returns>What ends the subscription when it is disposed: when that has completed, the receiver is not called any more.</returns>
    ValueTask<IAsyncDisposable> SubscribeAsync(string subject, IBridgeReceiver receiver, CancellationToken cancellationToken);

    /// <summary>Waits until the engine has everything that was published and subscribed before.</summary>
    /// <exception cref="IOException">The connection was lost.</exception>
    /// <exception cref="OperationCanceledException">The token was cancelled.</exception>
    ValueTask FlushAsync(CancellationToken cancellationToken);
}
