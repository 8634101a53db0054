namespace Posix.SharedMemory.Bridge.Tests.Backends;

/// <summary>A connection of the engine in memory, of which a test sees and stops what goes through.</summary>
internal sealed class InterceptedBackend(InMemoryBridgeBackend inner) : IBridgeBackend
{
    private int _subscribed;
    private int _published;

    public event EventHandler? Reconnected
    {
        add => inner.Reconnected += value;
        remove => inner.Reconnected -= value;
    }

    /// <summary>Gets or sets what each publication of messages waits for; its token does not end that.</summary>
    internal Task Open { get; set; } = Task.CompletedTask;

    /// <summary>Gets or sets what is done while a subscription is made.</summary>
    internal Action<string> Subscribing { get; set; } = _ => { };

    /// <summary>Gets how many publications of messages have begun.</summary>
    internal int Published => Volatile.Read(ref _published);

    /// <summary>Gets how many subscriptions there are.</summary>
    internal int Subscribed => Volatile.Read(ref _subscribed);

    internal bool IsDisposed { get; private set; }

    public bool IsConnected => inner.IsConnected;

    public int MaxPayload => inner.MaxPayload;

    public async ValueTask PublishAsync(string subject, BridgeHeaders headers, ReadOnlyMemory<byte> payload, CancellationToken cancellationToken)
    {
        if (subject.StartsWith(SubjectName.Messages, StringComparison.Ordinal))
        {
            Interlocked.Increment(ref _published);
            await Open;
        }

        await inner.PublishAsync(subject, headers, payload, CancellationToken.None);
    }

    public async ValueTask<IAsyncDisposable> SubscribeAsync(string subject, IBridgeReceiver receiver, CancellationToken cancellationToken)
    {
        Subscribing(subject);
        Interlocked.Increment(ref _subscribed);
        return new Subscription(this, await inner.SubscribeAsync(subject, receiver, cancellationToken));
    }

    public ValueTask FlushAsync(CancellationToken cancellationToken) => inner.FlushAsync(cancellationToken);

    public ValueTask DisposeAsync()
    {
        IsDisposed = true;
        return inner.DisposeAsync();
    }

    private sealed class Subscription(InterceptedBackend backend, IAsyncDisposable inner) : IAsyncDisposable
    {
        public ValueTask DisposeAsync()
        {
            Interlocked.Decrement(ref backend._subscribed);
            return inner.DisposeAsync();
        }
    }
}
