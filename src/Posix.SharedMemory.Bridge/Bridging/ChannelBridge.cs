namespace Posix.SharedMemory.Bridge;

/// <summary>Carries channels of this host to others, and channels of others to this one, over a messaging engine.</summary>
/// <remarks>
/// <para>
/// The bridge is the reader of each channel that it exports, and the writer of each that it imports. While the network does not take messages, they
/// stay in the ring, and when half of the ring is in use the oldest are dropped; a local writer is held up for two seconds at most by each publication that the network does not end, and
/// longer only with messages of more than a quarter of the ring. Each loss is reported with its place by <see cref="Lost"/>.
/// </para>
/// <para>Only message channels are carried, not typed ones. A channel that was imported is not exported again.</para>
/// </remarks>
/// <example>
/// <code><![CDATA[
/// var hub = new InMemoryBridgeHub();
/// await using var bridge = new ChannelBridge(hub.Connect(), new() { Host = "camera-7", Export = ["camera.*"], Import = ["plan.*"] });
/// bridge.Lost += (_, loss) => Console.WriteLine($"lost {loss.Channel} {loss.First}..{loss.Last} at {loss.Where}");
/// using var stop = new CancellationTokenSource(TimeSpan.FromSeconds(10));
/// await bridge.RunAsync(stop.Token);
/// ]]></code>
/// </example>
public sealed class ChannelBridge : IAsyncDisposable
{
    /// <summary>How often new channels are looked for.</summary>
    private const int LookMilliseconds = 200;

    private readonly IBridgeBackend _backend;
    private readonly BridgeOptions _options;
    private readonly BridgeReports _reports = new();
    private readonly ExportList _exports;
    private readonly ImportList _imports;
    private int _isRunning;

    /// <summary>Creates a bridge. Nothing is carried before <see cref="RunAsync"/>.</summary>
    /// <param name="backend">The engine, which belongs to the bridge from then on.</param>
    /// <param name="options">What is carried, and how.</param>
    /// <exception cref="ArgumentException">An option is out of its range.</exception>
    public ChannelBridge(IBridgeBackend backend, BridgeOptions options)
    {
        ArgumentNullException.ThrowIfNull(backend);
        _options = BridgeOptions.Check(options);
        _backend = backend;
        _exports = new(backend, _options, _reports);
        _imports = new(backend, _options, _reports);
    }

    /// <summary>Messages were lost. Raised for one loss after the other while <see cref="RunAsync"/> runs; no message waits for a handler. An exception that a handler throws ends <see cref="RunAsync"/>.</summary>
    public event EventHandler<LostEventArgs>? Lost;

    /// <summary>Something is not carried: a channel that cannot be opened, or messages that are not valid. Raised as <see cref="Lost"/>, for the same reason every ten seconds at most.</summary>
    public event EventHandler<RefusedEventArgs>? Refused;

    /// <summary>Returns what the bridge has done for each channel so far.</summary>
    public IReadOnlyList<BridgedChannel> GetChannels() => [.. _exports.Describe(), .. _imports.Describe()];

    /// <summary>Carries messages until the token is cancelled. A connection that is lost is waited for.</summary>
    /// <param name="cancellationToken">Ends the bridge: what was taken out of a ring is still sent, what is in a ring stays there.</param>
    /// <exception cref="InvalidOperationException">The bridge runs already, or ran before.</exception>
    public async Task RunAsync(CancellationToken cancellationToken)
    {
        if (Interlocked.Exchange(ref _isRunning, 1) != 0)
        {
            throw new InvalidOperationException("A bridge runs once.");
        }

        using var stop = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        var events = RaiseEventsAsync();
        _backend.Reconnected += OnReconnected;
        try
        {
            await Task.WhenAny(CarryAsync(stop.Token), events).Unwrap().ConfigureAwait(false);
        }
        catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested)
        {
            // That is how a bridge ends.
        }
        finally
        {
            _backend.Reconnected -= OnReconnected;
            await stop.CancelAsync().ConfigureAwait(false);
            await _exports.DisposeAsync().ConfigureAwait(false);
            await _imports.DisposeAsync().ConfigureAwait(false);
            _reports.End();
            await events.ConfigureAwait(false);
        }
    }

    /// <summary>Closes the connection to the engine. Cancel the token of <see cref="RunAsync"/> first, and wait for its end.</summary>
    public ValueTask DisposeAsync() => _backend.DisposeAsync();

    private async Task CarryAsync(CancellationToken cancellationToken)
    {
        var subscriptions = new List<IAsyncDisposable>();
        try
        {
            if (_options.Export.Count > 0)
            {
                subscriptions.Add(await _backend.SubscribeAsync(SubjectName.List, _exports, cancellationToken).ConfigureAwait(false));
                subscriptions.Add(await _backend.SubscribeAsync(SubjectName.AllCredit, _exports, cancellationToken).ConfigureAwait(false));
            }

            if (_options.Import.Count > 0)
            {
                subscriptions.Add(await _backend.SubscribeAsync(SubjectName.AllChannels, _imports, cancellationToken).ConfigureAwait(false));
            }

            while (true)
            {
                _exports.Look();
                await _exports.AnnounceAsync(cancellationToken).ConfigureAwait(false);
                await _imports.OpenAsync(cancellationToken).ConfigureAwait(false);
                await Task.Delay(LookMilliseconds, cancellationToken).ConfigureAwait(false);
            }
        }
        finally
        {
            foreach (var subscription in subscriptions)
            {
                await subscription.DisposeAsync().ConfigureAwait(false);
            }
        }
    }

    private async Task RaiseEventsAsync()
    {
        await foreach (var what in _reports.Events.ReadAllAsync().ConfigureAwait(false))
        {
            if (what is LostEventArgs lost)
            {
                Lost?.Invoke(this, lost);
            }
            else if (what is RefusedEventArgs refused)
            {
                Refused?.Invoke(this, refused);
            }
        }
    }

    private void OnReconnected(object? sender, EventArgs e)
    {
        _exports.Reconnect();
        _imports.Reconnect();
    }
}
