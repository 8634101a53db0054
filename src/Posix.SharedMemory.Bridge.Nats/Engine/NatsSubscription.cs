using System.Buffers;
using NATS.Client.Core;

namespace Posix.SharedMemory.Bridge.Nats;

/// <summary>A subscription whose messages go to a receiver where the client reads from the socket: no payload is copied or becomes an object.</summary>
internal sealed class NatsSubscription(NatsConnection connection, string subject, IBridgeReceiver receiver) : NatsSubBase(connection, connection.SubscriptionManager, subject, queueGroup: null, opts: null, CancellationToken.None), IAsyncDisposable
{
    private readonly Lock _one = new();
    private bool _isEnded;

    /// <summary>Ends the subscription. The receiver is not called after that.</summary>
    async ValueTask IAsyncDisposable.DisposeAsync()
    {
        lock (_one)
        {
            _isEnded = true;
        }

        await base.DisposeAsync().ConfigureAwait(false);
    }

    protected override ValueTask ReceiveInternalAsync(string subject, string? replyTo, ReadOnlySequence<byte>? headersBuffer, ReadOnlySequence<byte> payloadBuffer)
    {
        lock (_one)
        {
            if (!_isEnded)
            {
                receiver.Receive(new(subject, HeaderText.Parse(headersBuffer), payloadBuffer, replyTo));
            }
        }

        return default;
    }

    protected override void TryComplete()
    {
        // Nothing waits for the end.
    }
}
