using Posix.SharedMemory.Channels;
using Posix.SharedMemory.Inspection;

namespace Posix.SharedMemory.Bridge;

/// <summary>Finds the channels of this host that are exported, and announces them.</summary>
internal sealed class ExportList(IBridgeBackend backend, BridgeOptions options, BridgeReports reports) : IBridgeReceiver, IAsyncDisposable
{
    private readonly Lock _gate = new();
    private readonly Dictionary<string, ChannelExport> _exports = new(StringComparer.Ordinal);
    private readonly Dictionary<string, ChannelReport> _refusals = new(StringComparer.Ordinal);
    private readonly HashSet<ObjectIdentity> _ignored = [];
    private long _announcedAt = long.MinValue / 2;
    private volatile bool _isAsked;

    /// <summary>Opens what has come since the last look.</summary>
    internal void Look()
    {
        if (options.Export.Count == 0)
        {
            return;
        }

        foreach (var entry in SharedMemoryDirectory.Enumerate())
        {
            // A name that is not a string cannot be opened by it, and is shown with U+FFFD.
            if (entry.Name.StartsWith(options.NamePrefix, StringComparison.Ordinal) && !entry.Name.Contains('\uFFFD', StringComparison.Ordinal))
            {
                var name = entry.Name[options.NamePrefix.Length..];
                if (name.Length > 0 && options.Exports(name) && !_ignored.Contains(entry.Identity))
                {
                    Consider(entry, name);
                }
            }
        }
    }

    /// <summary>Announces all channels, once a second and when an importer asks for it.</summary>
    internal async Task AnnounceAsync(CancellationToken cancellationToken)
    {
        var now = Environment.TickCount64;
        if (!backend.IsConnected || (!_isAsked && now - _announcedAt < FrameLimits.AnnounceMilliseconds))
        {
            return;
        }

        (_isAsked, _announcedAt) = (false, now);
        ChannelExport[] all;
        lock (_gate)
        {
            all = [.. _exports.Values];
        }

        try
        {
            using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
            limit.CancelAfter(FrameLimits.AnnounceMilliseconds);
            foreach (var export in all)
            {
                var announcement = export.Announce();
                await backend.PublishAsync(SubjectName.Channels + announcement.Host, default, announcement.ToBytes(), limit.Token).ConfigureAwait(false);
            }
        }
        catch (Exception e) when (e is IOException || (e is OperationCanceledException && !cancellationToken.IsCancellationRequested))
        {
            // They are announced again in a second, or when the connection is back.
            _isAsked = true;
        }
    }

    /// <inheritdoc/>
    public void Receive(in BridgeMessage message)
    {
        if (message.Subject == SubjectName.List)
        {
            _isAsked = true;
        }
        else if (message.Subject.StartsWith(SubjectName.Credit, StringComparison.Ordinal) && CreditNote.TryParse(message.Payload, out var note)
            && SubjectName.TryDecode(message.Subject[SubjectName.Credit.Length..], out var name))
        {
            lock (_gate)
            {
                if (_exports.TryGetValue(name, out var export))
                {
                    export.Window.Take(note);
                }
            }
        }
    }

    internal void Reconnect()
    {
        lock (_gate)
        {
            foreach (var export in _exports.Values)
            {
                export.Window.Reset();
            }
        }

        _isAsked = true;
    }

    internal IReadOnlyList<BridgedChannel> Describe()
    {
        lock (_gate)
        {
            return [.. _exports.Values.Select(export => export.Report.Describe(options.Host, export.IsCompleted))];
        }
    }

    public async ValueTask DisposeAsync()
    {
        ChannelExport[] all;
        lock (_gate)
        {
            all = [.. _exports.Values];
        }

        foreach (var export in all)
        {
            await export.DisposeAsync().ConfigureAwait(false);
        }
    }

    private void Consider(SharedMemoryEntry entry, string name)
    {
        try
        {
            using var memory = entry.Open();
            if (SourceHeader.TryRead(memory) is not { } header || header.Origin != 0)
            {
                // Something else, or what a bridge made.
                _ignored.Add(entry.Identity);
                return;
            }

            if (header.Kind != FrameLimits.MessageKind || header.ElementSize != 0)
            {
                _ignored.Add(entry.Identity);
                Refuse(name, header.ElementSize != 0 ? "Typed channels are not carried." : $"Channels of kind {header.Kind} are not carried.");
                return;
            }

            Open(name, header);
        }
        catch (Exception e) when (e is SharedMemoryException or ChannelException or InvalidDataException or InvalidOperationException or ArgumentException or Threading.RosterFullException)
        {
            // It is tried again with the next look: the other reader may leave.
            Refuse(name, $"The channel cannot be opened: {e.Message}");
        }
    }

    private void Open(string name, SourceHeader header)
    {
        ChannelExport? former;
        lock (_gate)
        {
            if (_exports.TryGetValue(name, out former) && former.Epoch == header.Epoch && (!former.HasEnded || former.IsCompleted))
            {
                return;
            }
        }

        var export = ChannelExport.Open(name, header, backend, options, reports);
        lock (_gate)
        {
            _exports[name] = export;
        }

        _isAsked = true;
        export.Start();
        former?.Stop();
    }

    private void Refuse(string name, string reason)
    {
        if (!_refusals.TryGetValue(name, out var report))
        {
            _refusals[name] = report = new(reports, name, BridgeDirection.Export);
        }

        report.Refuse(reason);
    }
}
