namespace Posix.SharedMemory.Bridge;

/// <summary>Carries channels of this host to others, and channels of others to this one, over a messaging engine.</summary>
/// <remarks>
/// <para>
/// The bridge is the reader of each channel that it exports, and the writer of each that it imports. While the network does not take messages, they stay in the ring. When half of the ring is in
/// use, or its writer waits for room, the oldest are dropped: each publication that the network does not end holds a local writer up for a quarter of a second at most. Each loss is reported with
/// its place by <see cref="Lost"/>.
/// </para>
/// <para>
/// Message channels, broadcasts, latest values, fan-ins and frames are carried, each as what it is, and of typed ones channels of elements. A channel that was imported is not exported again.
/// </para>
/// <para>With <see cref="BridgeDelivery.Durable"/> nothing is dropped: the local writer waits where the ring is full.</para>
/// </remarks>
/// <example>
/// <code><![CDATA[
/// var hub = new InMemoryBridgeHub();
/// await using var bridge = new ChannelBridge(hub.Connect(), new() { Host = "camera-7", Export = ["camera.*"], Import = ["plan.*"] });
/// bridge.Lost += loss => Console.WriteLine($"lost {loss.Channel} {loss.First}..{loss.Last} at {loss.Where}");
/// using var stop = new CancellationTokenSource(TimeSpan.FromSeconds(10));
/// await bridge.RunAsync(stop.Token);
/// ]]></code>
/// </example>
public sealed class ChannelBridge : IAsyncDisposable
{
    /// <summary>How often new channels are looked for.</summary>
    private const int LookMilliseconds = 200;

    /// <summary>How long it takes at least to the next turn, whatever strangers announce.</summary>
    private const int LeastMilliseconds = 20;

    private readonly IBridgeBackend _backend;
    private readonly BridgeOptions _options;
    private readonly BridgeReports _reports = new();
    private readonly ExportList _exports;
    private readonly ImportList _imports;
    private readonly CancellationTokenSource _stop = new();
    private readonly TaskCompletionSource _ended = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private int _isRunning;
    private int _isDisposed;

    /// <summary>Creates a bridge. Nothing is carried before <see cref="RunAsync"/>.</summary>
    /// <param name="backend">The engine, which belongs to the bridge from then on.</param>
    /// <param name="options">What is carried, and how.</param>
    /// <exception cref="ArgumentException">An option is out of its range.</exception>
    /// <exception cref="NotSupportedException">A delivery is <see cref="BridgeDelivery.Durable"/>, and the engine does not keep messages: it is not an <see cref="IDurableBridgeBackend"/>.</exception>
    public ChannelBridge(IBridgeBackend backend, BridgeOptions options)
    {
        ArgumentNullException.ThrowIfNull(backend);
        _options = BridgeOptions.Check(options);
        if (backend is not IDurableBridgeBackend && (_options.Delivery == BridgeDelivery.Durable || _options.Routes.Any(route => route.Delivery == BridgeDelivery.Durable)))
        {
            throw new NotSupportedException("The engine does not keep messages: BridgeDelivery.Durable needs one that does. Choose Stream, which reports each loss, or Latest.");
        }

        _backend = backend;
        _exports = new(backend, _options, _reports);
        _imports = new(backend, _options, _reports);
    }

#pragma warning disable MA0046 // The bridge is one object that its program has made: a handler needs what was lost, and no sender.
    /// <summary>Messages were lost. Raised for one loss after the other while <see cref="RunAsync"/> runs; no message waits for a handler. An exception that a handler throws ends <see cref="RunAsync"/>.</summary>
    public event Action<LostEventArgs>? Lost;

    /// <summary>Something is not carried: a channel that cannot be opened, or messages that are not valid. Raised as <see cref="Lost"/>, for the same reason every ten seconds at most.</summary>
    public event Action<RefusedEventArgs>? Refused;
#pragma warning restore MA0046

    /// <summary>Returns what the bridge has done for each channel so far.</summary>
    public IReadOnlyList<BridgedChannel> GetChannels() => [.. _exports.Describe(), .. _imports.Describe()];

    /// <summary>Returns the channels that hosts announce while it waits; each announces all of its channels once a second. Nothing is carried.</summary>
    /// <param name="backend">The engine, which stays the caller's.</param>
    /// <param name="wait">How long to listen. Two seconds show rates.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    /// <exception cref="IOException">The connection was lost.</exception>
    /// <exception cref="OperationCanceledException">The token was cancelled.</exception>
    /// <example>
    /// <code><![CDATA[
    /// var hub = new InMemoryBridgeHub();
    /// foreach (var channel in await ChannelBridge.ListAsync(hub.Connect(), TimeSpan.FromSeconds(2)))
    /// {
    ///     Console.WriteLine($"{channel.Name} on {channel.Host}: {channel.Rate:F0} messages a second");
    /// }
    /// ]]></code>
    /// </example>
    public static async Task<IReadOnlyList<AnnouncedChannel>> ListAsync(IBridgeBackend backend, TimeSpan wait, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(backend);
        var watch = new AnnouncementWatch();
        var subscription = await backend.SubscribeAsync(SubjectName.AllChannels, watch, cancellationToken).ConfigureAwait(false);
        await using (subscription.ConfigureAwait(false))
        {
            await backend.FlushAsync(cancellationToken).ConfigureAwait(false);
            await backend.PublishAsync(SubjectName.List, default, default, cancellationToken).ConfigureAwait(false);
            await Task.Delay(wait, cancellationToken).ConfigureAwait(false);
        }

        return watch.Describe();
    }

    /// <summary>Carries messages until the token is cancelled. A connection that is lost is waited for.</summary>
    /// <param name="cancellationToken">Ends the bridge: what was taken out of a ring is still sent, what is in a ring stays there.</param>
    /// <exception cref="InvalidOperationException">The bridge runs already, or ran before.</exception>
    /// <exception cref="ObjectDisposedException">The bridge was disposed.</exception>
    public async Task RunAsync(CancellationToken cancellationToken)
    {
        ObjectDisposedException.ThrowIf(Volatile.Read(ref _isDisposed) != 0, this);
        if (Interlocked.Exchange(ref _isRunning, 1) != 0)
        {
            throw new InvalidOperationException("A bridge runs once.");
        }

        try
        {
            using var stop = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, _stop.Token);
            await RunUntilAsync(stop).ConfigureAwait(false);
        }
        finally
        {
            _ended.SetResult();
        }
    }

    /// <summary>Ends <see cref="RunAsync"/>, waits for its end, and closes the connection to the engine. Not to be awaited by a handler of an event, which <see cref="RunAsync"/> waits for.</summary>
    public async ValueTask DisposeAsync()
    {
        if (Interlocked.Exchange(ref _isDisposed, 1) != 0)
        {
            return;
        }

        await _stop.CancelAsync().ConfigureAwait(false);
        if (Volatile.Read(ref _isRunning) != 0)
        {
            await _ended.Task.ConfigureAwait(false);
        }

        await _backend.DisposeAsync().ConfigureAwait(false);
        _stop.Dispose();
    }

    /// <summary>Runs until the token is cancelled, or an event's handler throws. Everything that was begun has ended when this returns, in the order in which it depends on each other.</summary>
    private async Task RunUntilAsync(CancellationTokenSource stop)
    {
        _backend.Reconnected += OnReconnected;
        var events = RaiseEventsAsync();
        var carrying = CarryAsync(stop.Token);
        try
        {
            await Task.WhenAny(carrying, events).ConfigureAwait(false);
        }
        finally
        {
            await stop.CancelAsync().ConfigureAwait(false);
            await carrying.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            _backend.Reconnected -= OnReconnected;
            try
            {
                await _exports.DisposeAsync().ConfigureAwait(false);
            }
            finally
            {
                await _imports.DisposeAsync().ConfigureAwait(false);
                _reports.End();
            }
        }

        // What a handler threw is the reason why the rest ended.
        await events.ConfigureAwait(false);
        if (!carrying.IsCanceled)
        {
            await carrying.ConfigureAwait(false);
        }
    }

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

            for (var lookedAt = long.MinValue / 2; ;)
            {
                if (Environment.TickCount64 - lookedAt >= LookMilliseconds - LeastMilliseconds)
                {
                    lookedAt = Environment.TickCount64;
                    _exports.Look();
                }

                await _exports.AnnounceAsync(cancellationToken).ConfigureAwait(false);
                await _imports.OpenAsync(cancellationToken).ConfigureAwait(false);
                await Task.Delay(LeastMilliseconds, cancellationToken).ConfigureAwait(false);
                await _imports.WaitAsync(LookMilliseconds - LeastMilliseconds, cancellationToken).ConfigureAwait(false);
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
                Lost?.Invoke(lost);
            }
            else if (what is RefusedEventArgs refused)
            {
                Refused?.Invoke(refused);
            }
        }
    }

    private void OnReconnected(object? sender, EventArgs e)
    {
        _exports.Reconnect();
        _imports.Reconnect();
    }
}
