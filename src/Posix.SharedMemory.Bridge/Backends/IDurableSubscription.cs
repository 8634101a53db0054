namespace Posix.SharedMemory.Bridge;

/// <summary>A subscription whose messages are kept by the engine until they are acknowledged. When its disposal has completed, the receiver is not called any more; the taker stays.</summary>
public interface IDurableSubscription : IAsyncDisposable
{
    /// <summary>Acknowledges a message, and all that were delivered before it. Completes when the engine has noted that.</summary>
    /// <param name="acknowledgement">The <see cref="BridgeMessage.Acknowledgement"/> of the message.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    /// <exception cref="IOException">The connection was lost, or the engine does not answer: whether it was noted is unknown.</exception>
    /// <exception cref="OperationCanceledException">The token was cancelled.</exception>
    ValueTask AcknowledgeAsync(string acknowledgement, CancellationToken cancellationToken);
}
