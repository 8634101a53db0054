namespace Posix.SharedMemory.Bridge;

/// <summary>The channels that are imported: those that other hosts announce and the options name.</summary>
internal sealed class ImportList(IBridgeBackend backend, BridgeOptions options, BridgeReports reports) : IBridgeReceiver, IAsyncDisposable
{
    /// <summary>How many announced channels wait for being opened.</summary>
    private const int MostWaiting = 1000;

    /// <summary>How many channels are imported at once.</summary>
    private const int MostImports = 1000;

    private readonly Lock _gate = new();
    private readonly Dictionary<string, ChannelImport> _imports = new(StringComparer.Ordinal);
    private readonly Dictionary<string, Announcement> _waiting = new(StringComparer.Ordinal);
    private readonly RefusalLog _refusals = new(reports, BridgeDirection.Import);
    private readonly ImportBudget _budget = new(options.ImportLimitBytes);
    private readonly KeptChannels _kept = new(backend, options, reports);
    private readonly SemaphoreSlim _announced = new(0, 1);
    private Task _finding = Task.CompletedTask;
    private bool _hasAsked;

    /// <inheritdoc/>
    public void Receive(in BridgeMessage message)
    {
        if (!message.Payload.IsEmpty && Announcement.TryParse(message.Payload) is { } announced && message.Subject == SubjectName.Channels + announced.Host && announced.IsFor(options, out var name))
        {
            Await(name, announced)?.Take(announced);
        }
    }

    /// <summary>Opens what was announced since the last call, and forgets what has no ring and is not announced any more.</summary>
    internal async Task OpenAsync(CancellationToken cancellationToken)
    {
        foreach (var (_, import) in TakeForgotten())
        {
            await import.DisposeAsync().ConfigureAwait(false);
        }

        if (_finding.IsCompleted)
        {
            // An engine that does not answer this holds nothing else up.
            await _finding.ConfigureAwait(false);
            _finding = FindKeptAsync(cancellationToken);
        }

        foreach (var (name, import) in TakeWaiting())
        {
            try
            {
                await import.StartAsync(cancellationToken).ConfigureAwait(false);
                _hasAsked = false;
            }
            catch (IOException e)
            {
                // The next announcement begins again.
                _refusals.Refuse(name, $"The channel was not subscribed to: {e.Message}");
                lock (_gate)
                {
                    _imports.Remove(name);
                }

                await import.DisposeAsync().ConfigureAwait(false);
            }
        }

        if (!_hasAsked && options.Import.Count > 0 && backend.IsConnected)
        {
            _hasAsked = await TryAskAsync(cancellationToken).ConfigureAwait(false);
        }
    }

    /// <summary>Waits for a while until there is something to open.</summary>
    internal Task WaitAsync(int milliseconds, CancellationToken cancellationToken) => _announced.WaitAsync(milliseconds, cancellationToken);

    internal void Reconnect()
    {
        _hasAsked = false;
        _kept.LookAgain();
        foreach (var import in All())
        {
            import.Reconnect();
        }
    }

    internal IReadOnlyList<BridgedChannel> Describe() => [.. All().Select(import => import.Report.Describe(import.Host, import.IsCompleted))];

    public async ValueTask DisposeAsync()
    {
        // The token of the last call of OpenAsync has ended it.
        await _finding.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        foreach (var import in All())
        {
            await import.DisposeAsync().ConfigureAwait(false);
        }

        _announced.Dispose();
    }

    private async Task FindKeptAsync(CancellationToken cancellationToken)
    {
        foreach (var (name, announced) in await _kept.FindAsync(cancellationToken).ConfigureAwait(false))
        {
            Await(name, announced);
        }
    }

    private ChannelImport[] All()
    {
        lock (_gate)
        {
            return [.. _imports.Values];
        }
    }

    /// <summary>The import of a name that was announced. Where there is none, the next look makes it.</summary>
    private ChannelImport? Await(string name, Announcement announced)
    {
        lock (_gate)
        {
            var isWaiting = _waiting.ContainsKey(name);
            if (!_imports.TryGetValue(name, out var import) && (isWaiting ? announced.Completed is null : _waiting.Count < MostWaiting))
            {
                _waiting[name] = announced;
                if (_announced.CurrentCount == 0)
                {
                    _announced.Release();
                }
            }

            return import;
        }
    }

    /// <summary>Makes imports of what was announced. From here on announcements of these names go to them, so that no name has two.</summary>
    private List<KeyValuePair<string, ChannelImport>> TakeWaiting()
    {
        var begun = new List<KeyValuePair<string, ChannelImport>>();
        lock (_gate)
        {
            if (_waiting.Count > 0 && _imports.Count >= MostImports)
            {
                _budget.Press();
            }

            foreach (var (name, announced) in _waiting)
            {
                var refusal = AnnouncementCheck.Refusal(announced, backend is IDurableBridgeBackend)
                    ?? (announced.Completed is not null && !ImportedRing.IsLeftOpen(options.NamePrefix + name, FrameLimits.OriginOf(announced.Host)) ? "The channel was completed before it was imported." : _imports.Count >= MostImports ? $"{MostImports} channels are imported already." : null);
                if (refusal is not null)
                {
                    _refusals.Refuse(name, refusal);
                    continue;
                }

                var import = ChannelImport.Create(name, announced, backend, options, reports, _budget);
                _imports.Add(name, import);
                begun.Add(new(name, import));
            }

            _waiting.Clear();
        }

        return begun;
    }

    private KeyValuePair<string, ChannelImport>[] TakeForgotten()
    {
        lock (_gate)
        {
            KeyValuePair<string, ChannelImport>[] forgotten = [.. _imports.Where(import => import.Value.IsForgotten)];
            foreach (var (name, _) in forgotten)
            {
                _imports.Remove(name);
            }

            return forgotten;
        }
    }

    private async ValueTask<bool> TryAskAsync(CancellationToken cancellationToken)
    {
        try
        {
            using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
            limit.CancelAfter(FrameLimits.AnnounceMilliseconds);
            await backend.FlushAsync(limit.Token).ConfigureAwait(false);
            await backend.PublishAsync(SubjectName.List, default, default, limit.Token).ConfigureAwait(false);
            return true;
        }
        catch (Exception e) when (e is IOException || (e is OperationCanceledException && !cancellationToken.IsCancellationRequested))
        {
            return false;
        }
    }
}
