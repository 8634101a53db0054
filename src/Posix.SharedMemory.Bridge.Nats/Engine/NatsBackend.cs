using Microsoft.Extensions.Logging.Abstractions;
using NATS.Client.Core;

namespace Posix.SharedMemory.Bridge.Nats;

/// <summary>A connection to a NATS server as the engine of a bridge. Messages are kept by JetStream, where the server has it.</summary>
public sealed class NatsBackend : IDurableBridgeBackend
{
    /// <summary>How many bytes the client collects before it writes to the socket, and reads at once.</summary>
    private const int BufferBytes = 1 << 20;

    /// <summary>What the engine adds to the headers of a message: its version, names and line ends.</summary>
    private const int HeaderOverhead = 160;

    private readonly NatsConnection _connection;
    private readonly KeptMessages _kept;
    private readonly KeptNotes _notes;

    private NatsBackend(NatsConnection connection) => (_connection, _kept, _notes) = (connection, new(connection), new(connection));

    /// <inheritdoc/>
    public event EventHandler? Reconnected;

    /// <inheritdoc/>
    public bool IsConnected => _connection.ConnectionState == NatsConnectionState.Open;

    /// <inheritdoc cref="IBridgeBackend.MaxPayload"/>
    /// <remarks>A server that is not configured takes 1 MiB.</remarks>
    public int MaxPayload => _connection.ServerInfo?.MaxPayload ?? 1 << 20;

    /// <summary>Connects to a server.</summary>
    /// <param name="options">As the client takes them, with what a bridge depends on set: no echo, and reconnection without end.</param>
    /// <param name="cancellationToken">Ends the wait for the server.</param>
    /// <exception cref="ArgumentException">The URL is not the address of a server.</exception>
    /// <exception cref="IOException">The server cannot be reached, or refuses the connection; the message says why.</exception>
    /// <exception cref="OperationCanceledException">The token was cancelled.</exception>
    public static async Task<NatsBackend> ConnectAsync(NatsOpts options, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(options);
        ServerAddress.Require(options.Url, nameof(options));
        var failures = new ConnectionFailures();
        var connection = new NatsConnection(options with
        {
            LoggerFactory = options.LoggerFactory is NullLoggerFactory ? failures : options.LoggerFactory,
            Echo = false,
            Headers = true,
            MaxReconnectRetry = -1,
            IgnoreAuthErrorAbort = true,
            ReconnectWaitMin = TimeSpan.FromMilliseconds(100),
            ReconnectWaitMax = TimeSpan.FromSeconds(2),
            WriterBufferSize = Math.Max(options.WriterBufferSize, BufferBytes),
            ReaderBufferSize = Math.Max(options.ReaderBufferSize, BufferBytes),
        });
        try
        {
            await connection.ConnectAsync().AsTask().WaitAsync(cancellationToken).ConfigureAwait(false);
        }
        catch (Exception e) when (e is NatsException or TimeoutException)
        {
            await connection.DisposeAsync().ConfigureAwait(false);
            throw new IOException($"The server at {ServerAddress.WithoutSecret(options.Url)} cannot be used: {failures.Describe(e)}", e);
        }
        catch
        {
            await connection.DisposeAsync().ConfigureAwait(false);
            throw;
        }

        failures.End();
        var backend = new NatsBackend(connection);
        connection.ConnectionOpened += backend.OnOpenedAsync;
        return backend;
    }

    /// <inheritdoc/>
    public async ValueTask PublishAsync(string subject, BridgeHeaders headers, ReadOnlyMemory<byte> payload, CancellationToken cancellationToken)
    {
        RequireRoom(headers, payload);
        try
        {
            await _connection.PublishAsync(subject, payload, HeaderText.ToNats(headers), serializer: PayloadSerializer.Instance, cancellationToken: cancellationToken).ConfigureAwait(false);
        }
        catch (NatsException e)
        {
            throw new IOException($"The message to {subject} was not published: {e.Message}", e);
        }
    }

    /// <inheritdoc/>
    public async ValueTask<IAsyncDisposable> SubscribeAsync(string subject, IBridgeReceiver receiver, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(receiver);
        var subscription = new NatsSubscription(_connection, subject, receiver);
        try
        {
            await _connection.AddSubAsync(subscription, cancellationToken).ConfigureAwait(false);
            return subscription;
        }
        catch (Exception e)
        {
            await ((IAsyncDisposable)subscription).DisposeAsync().ConfigureAwait(false);
            if (e is NatsException)
            {
                throw new IOException($"{subject} was not subscribed to: {e.Message}", e);
            }

            throw;
        }
    }

    /// <inheritdoc cref="IDurableBridgeBackend.KeepAsync"/>
    /// <remarks>A stream of JetStream keeps them, called as the subject, with <c>=</c> for each dot and <c>~</c> for each percent sign. One that exists stays as it is, with the limits that it was given.</remarks>
    public ValueTask<int> KeepAsync(string subject, CancellationToken cancellationToken) => _kept.KeepAsync(subject, cancellationToken);

    /// <inheritdoc/>
    public ValueTask PublishDurableAsync(string subject, BridgeHeaders headers, ReadOnlyMemory<byte> payload, string id, CancellationToken cancellationToken)
    {
        RequireRoom(headers, payload);
        return _kept.PublishAsync(subject, headers, payload, id, cancellationToken);
    }

    /// <inheritdoc/>
    public async ValueTask<IDurableSubscription> SubscribeDurableAsync(string subject, string taker, int mostUnderWay, IBridgeReceiver receiver, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(receiver);
        await _kept.KeepAsync(subject, cancellationToken).ConfigureAwait(false);
        // A new address each time: the server delivers again what was not acknowledged when the address of a consumer changes.
        var inbox = _kept.NewAddress();
        var subscription = await SubscribeAsync(inbox, new UnbrokenDeliveries(receiver), cancellationToken).ConfigureAwait(false);
        try
        {
            await _kept.DeliverAsync(subject, taker, mostUnderWay, inbox, cancellationToken).ConfigureAwait(false);
            return new KeptSubscription(_connection, subscription);
        }
        catch
        {
            await subscription.DisposeAsync().ConfigureAwait(false);
            throw;
        }
    }

    /// <inheritdoc/>
    public ValueTask<long> CountKeptAsync(string subject, string? taker, CancellationToken cancellationToken) => _kept.CountAsync(subject, taker, cancellationToken);

    /// <inheritdoc/>
    public ValueTask WriteNoteAsync(string subject, ReadOnlyMemory<byte> note, CancellationToken cancellationToken)
    {
        RequireRoom(default, note);
        return _notes.WriteAsync(subject, note, cancellationToken);
    }

    /// <inheritdoc/>
    public ValueTask ReadNotesAsync(string subject, IBridgeReceiver receiver, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(receiver);
        return _notes.ReadAsync(subject, receiver, cancellationToken);
    }

    /// <inheritdoc/>
    public ValueTask RemoveNoteAsync(string subject, string acknowledgement, CancellationToken cancellationToken) => _notes.RemoveAsync(subject, acknowledgement, cancellationToken);

    /// <inheritdoc/>
    public async ValueTask FlushAsync(CancellationToken cancellationToken)
    {
        try
        {
            await _connection.PingAsync(cancellationToken).ConfigureAwait(false);
        }
        catch (NatsException e)
        {
            throw new IOException($"The server does not answer: {e.Message}", e);
        }
    }

    /// <inheritdoc/>
    public ValueTask DisposeAsync()
    {
        _connection.ConnectionOpened -= OnOpenedAsync;
        return _connection.DisposeAsync();
    }

    /// <exception cref="IOException">The server would end the connection.</exception>
    private void RequireRoom(BridgeHeaders headers, ReadOnlyMemory<byte> payload)
    {
        var headerBytes = HeaderOverhead + (headers.Frame?.Length ?? 0) + (headers.Description?.Length ?? 0) + (headers.Lost?.Length ?? 0) + (headers.End?.Length ?? 0);
        if (payload.Length + headerBytes > MaxPayload)
        {
            throw new IOException($"The message has {payload.Length} bytes and up to {headerBytes} of headers, and the server takes {MaxPayload}.");
        }
    }

    // The client subscribes again before it raises this.
    private ValueTask OnOpenedAsync(object? sender, NatsEventArgs e)
    {
        Reconnected?.Invoke(this, EventArgs.Empty);
        return default;
    }
}
