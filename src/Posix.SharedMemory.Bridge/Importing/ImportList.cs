namespace Posix.SharedMemory.Bridge;

/// <summary>The channels that are imported: those that other hosts announce and the options name.</summary>
internal sealed class ImportList(IBridgeBackend backend, BridgeOptions options, BridgeReports reports) : IBridgeReceiver, IAsyncDisposable
{
    /// <summary>How many announced channels wait for being opened.</summary>
    private const int MostWaiting = 1000;

    private readonly Lock _gate = new();
    private readonly Dictionary<string, ChannelImport> _imports = new(StringComparer.Ordinal);
    private readonly Dictionary<string, Announcement> _waiting = new(StringComparer.Ordinal);
    private readonly Dictionary<string, ChannelReport> _refusals = new(StringComparer.Ordinal);
    private bool _hasAsked;

    /// <inheritdoc/>
    public void Receive(in BridgeMessage message)
    {
        if (message.Payload.IsEmpty || Announcement.TryParse(message.Payload) is not { } announced
            || message.Subject != SubjectName.Channels + announced.Host || announced.Host == SubjectName.EncodeToken(options.Host)
            || !SubjectName.TryDecode(announced.Host, out _) || !SubjectName.TryDecode(announced.Channel, out var name) || !options.Imports(name))
        {
            return;
        }

        ChannelImport? import;
        lock (_gate)
        {
            if (!_imports.TryGetValue(name, out import) && (_waiting.ContainsKey(name) || _waiting.Count < MostWaiting))
            {
                _waiting[name] = announced;
            }
        }

        import?.Take(announced);
    }

    /// <summary>Opens what was announced since the last call.</summary>
    internal async Task OpenAsync(CancellationToken cancellationToken)
    {
        KeyValuePair<string, Announcement>[] all;
        lock (_gate)
        {
            all = [.. _waiting];
            _waiting.Clear();
        }

        foreach (var (name, announced) in all)
        {
            if (Reason(announced) is { } reason)
            {
                Refuse(name, reason);
                continue;
            }

            var import = new ChannelImport(name, announced, backend, options, reports);
            lock (_gate)
            {
                _imports[name] = import;
            }

            try
            {
                await import.StartAsync(cancellationToken).ConfigureAwait(false);
                _hasAsked = false;
            }
            catch (IOException e)
            {
                // The next announcement begins again.
                Refuse(name, $"The channel was not subscribed to: {e.Message}");
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

    internal void Reconnect()
    {
        _hasAsked = false;
        foreach (var import in All())
        {
            import.Wake();
        }
    }

    internal IReadOnlyList<BridgedChannel> Describe() => [.. All().Select(import => import.Report.Describe(import.Host, import.IsCompleted))];

    public async ValueTask DisposeAsync()
    {
        foreach (var import in All())
        {
            await import.DisposeAsync().ConfigureAwait(false);
        }
    }

    private ChannelImport[] All()
    {
        lock (_gate)
        {
            return [.. _imports.Values];
        }
    }

    /// <summary>Why an announced channel is not imported.</summary>
    private string? Reason(Announcement announced) =>
        announced.Kind != FrameLimits.MessageKind ? $"Channels of kind {announced.Kind} are not carried."
        : announced.Capacity is < 4096 or > 1 << 30 || !long.IsPow2(announced.Capacity) || announced.Alignment is not (8 or 16 or 32 or 64) ? "The channel is announced with a capacity or an alignment that no channel has."
        : All().Where(import => import.HasRing).Sum(import => import.Capacity) + announced.Capacity > options.ImportLimitBytes ? $"With its {announced.Capacity} bytes, the imported channels would have more than ImportLimitBytes allows."
        : announced.Completed is not null ? "The channel was completed before it was imported."
        : null;

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

    private void Refuse(string name, string reason)
    {
        if (!_refusals.TryGetValue(name, out var report))
        {
            _refusals[name] = report = new(reports, name, BridgeDirection.Import);
        }

        report.Refuse(reason);
    }
}
