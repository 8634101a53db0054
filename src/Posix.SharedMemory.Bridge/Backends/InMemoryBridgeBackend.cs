namespace Posix.SharedMemory.Bridge;

/// <summary>A connection to an <see cref="InMemoryBridgeHub"/>.</summary>
public sealed class InMemoryBridgeBackend : IDurableBridgeBackend
{
    private readonly InMemoryBridgeHub _hub;
    private volatile bool _isConnected = true;
    private bool _isDisposed;

    internal InMemoryBridgeBackend(InMemoryBridgeHub hub) => _hub = hub;

    /// <inheritdoc/>
    public event EventHandler? Reconnected;

    /// <inheritdoc/>
    public bool IsConnected => _isConnected;

    /// <inheritdoc/>
    public int MaxPayload => _hub.MaxPayload;

    /// <summary>Cuts the connection: nothing is delivered to it any more, and publishing fails.</summary>
    public void Break() => _isConnected = false;

    /// <summary>Restores the connection, with its subscriptions.</summary>
    public void Restore()
    {
        ObjectDisposedException.ThrowIf(_isDisposed, this);
        _isConnected = true;
        Reconnected?.Invoke(this, EventArgs.Empty);
    }

    /// <inheritdoc/>
    public ValueTask PublishAsync(string subject, BridgeHeaders headers, ReadOnlyMemory<byte> payload, CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        RequireRoom(payload);
        _hub.Deliver(this, subject, headers, payload);
        return default;
    }

    /// <inheritdoc/>
    public ValueTask<IAsyncDisposable> SubscribeAsync(string subject, IBridgeReceiver receiver, CancellationToken cancellationToken)
    {
        ObjectDisposedException.ThrowIf(_isDisposed, this);
        return new(_hub.Add(this, subject, receiver));
    }

    /// <inheritdoc/>
    public ValueTask<int> KeepAsync(string subject, CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        RequireConnection();
        return new(_hub.LogOf(subject).Takers);
    }

    /// <inheritdoc/>
    public ValueTask PublishDurableAsync(string subject, BridgeHeaders headers, ReadOnlyMemory<byte> payload, string id, CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        RequireRoom(payload);
        if (_hub.LogOf(subject).TryAdd(subject, headers, payload, id))
        {
            _hub.Deliver(this, subject, headers, payload);
        }

        return default;
    }

    /// <inheritdoc/>
    public ValueTask<IDurableSubscription> SubscribeDurableAsync(string subject, string taker, int mostUnderWay, IBridgeReceiver receiver, CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        RequireConnection();
        return new(_hub.LogOf(subject).Bind(taker, this, mostUnderWay, receiver));
    }

    /// <inheritdoc/>
    public ValueTask<long> CountKeptAsync(string subject, string? taker, CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        RequireConnection();
        return new(_hub.LogOf(subject).CountKept(taker));
    }

    /// <inheritdoc/>
    public ValueTask WriteNoteAsync(string subject, ReadOnlyMemory<byte> note, CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        RequireRoom(note);
        _hub.Notes.Write(subject, note);
        return default;
    }

    /// <inheritdoc/>
    public ValueTask ReadNotesAsync(string subject, IBridgeReceiver receiver, CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        RequireConnection();
        _hub.Notes.Read(subject, receiver);
        return default;
    }

    /// <inheritdoc/>
    public ValueTask RemoveNoteAsync(string subject, string acknowledgement, CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        RequireConnection();
        _hub.Notes.Remove(subject, acknowledgement);
        return default;
    }

    /// <inheritdoc/>
    public ValueTask FlushAsync(CancellationToken cancellationToken)
    {
        RequireConnection();
        return default;
    }

    /// <inheritdoc/>
    public ValueTask DisposeAsync()
    {
        (_isConnected, _isDisposed) = (false, true);
        return default;
    }

    private void RequireRoom(ReadOnlyMemory<byte> payload)
    {
        RequireConnection();
        if (payload.Length > MaxPayload)
        {
            throw new IOException($"The message has {payload.Length} bytes, and the engine takes {MaxPayload}.");
        }
    }

    internal void RequireConnection()
    {
        ObjectDisposedException.ThrowIf(_isDisposed, this);
        if (!_isConnected)
        {
            throw new IOException("The connection to the engine was lost.");
        }
    }
}
