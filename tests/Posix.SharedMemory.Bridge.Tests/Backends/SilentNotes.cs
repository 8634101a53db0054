namespace Posix.SharedMemory.Bridge.Tests.Backends;

/// <summary>A connection of the engine in memory which does not answer where notes are asked for, as a server does not where a user may not ask.</summary>
internal sealed class SilentNotes(InMemoryBridgeBackend inner) : IDurableBridgeBackend
{
    private TaskCompletionSource _reading = new();

    public event EventHandler? Reconnected
    {
        add => inner.Reconnected += value;
        remove => inner.Reconnected -= value;
    }

    public bool IsConnected => inner.IsConnected;

    public int MaxPayload => inner.MaxPayload;

    /// <summary>Ends what waits for an answer, as the end of its patience does.</summary>
    internal void GiveUp()
    {
        var reading = _reading;
        _reading = new();
        reading.SetCanceled();
    }

    public ValueTask ReadNotesAsync(string subject, IBridgeReceiver receiver, CancellationToken cancellationToken) => new(_reading.Task);

    public ValueTask PublishAsync(string subject, BridgeHeaders headers, ReadOnlyMemory<byte> payload, CancellationToken cancellationToken) => inner.PublishAsync(subject, headers, payload, cancellationToken);

    public ValueTask<IAsyncDisposable> SubscribeAsync(string subject, IBridgeReceiver receiver, CancellationToken cancellationToken) => inner.SubscribeAsync(subject, receiver, cancellationToken);

    public ValueTask FlushAsync(CancellationToken cancellationToken) => inner.FlushAsync(cancellationToken);

    public ValueTask<int> KeepAsync(string subject, CancellationToken cancellationToken) => inner.KeepAsync(subject, cancellationToken);

    public ValueTask PublishDurableAsync(string subject, BridgeHeaders headers, ReadOnlyMemory<byte> payload, string id, CancellationToken cancellationToken) => inner.PublishDurableAsync(subject, headers, payload, id, cancellationToken);

    public ValueTask<IDurableSubscription> SubscribeDurableAsync(string subject, string taker, int mostUnderWay, IBridgeReceiver receiver, CancellationToken cancellationToken) =>
        inner.SubscribeDurableAsync(subject, taker, mostUnderWay, receiver, cancellationToken);

    public ValueTask<long> CountKeptAsync(string subject, string? taker, CancellationToken cancellationToken) => inner.CountKeptAsync(subject, taker, cancellationToken);

    public ValueTask WriteNoteAsync(string subject, ReadOnlyMemory<byte> note, CancellationToken cancellationToken) => inner.WriteNoteAsync(subject, note, cancellationToken);

    public ValueTask RemoveNoteAsync(string subject, string acknowledgement, CancellationToken cancellationToken) => inner.RemoveNoteAsync(subject, acknowledgement, cancellationToken);

    public ValueTask DisposeAsync() => inner.DisposeAsync();
}
