using NATS.Client.Core;

namespace Posix.SharedMemory.Bridge.Nats;

/// <summary>The subscription to what a consumer of JetStream delivers.</summary>
internal sealed class KeptSubscription(NatsConnection connection, IAsyncDisposable subscription) : IDurableSubscription
{
    /// <summary>Gets the bytes that acknowledge a message.</summary>
    internal static ReadOnlyMemory<byte> Acknowledgement { get; } = "+ACK"u8.ToArray();

    /// <inheritdoc/>
    public async ValueTask AcknowledgeAsync(string acknowledgement, CancellationToken cancellationToken)
    {
        try
        {
            // A request, which the server answers when it has noted the acknowledgement.
            await connection.RequestAsync<ReadOnlyMemory<byte>, byte[]>(acknowledgement, Acknowledgement, requestSerializer: PayloadSerializer.Instance, cancellationToken: cancellationToken).ConfigureAwait(false);
        }
        catch (NatsException e)
        {
            throw new IOException($"The acknowledgement was not confirmed: {e.Message}", e);
        }
    }

    public ValueTask DisposeAsync() => subscription.DisposeAsync();
}
