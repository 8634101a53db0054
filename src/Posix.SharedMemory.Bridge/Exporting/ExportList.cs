using Posix.SharedMemory.Channels;
using Posix.SharedMemory.Inspection;

namespace Posix.SharedMemory.Bridge;

/// <summary>Finds the channels of this host that are exported, and announces them.</summary>
internal sealed class ExportList(IBridgeBackend backend, BridgeOptions options, BridgeReports reports) : IBridgeReceiver, IAsyncDisposable
{
    private readonly Lock _gate = new();
    private readonly Dictionary<string, ChannelExport> _exports = new(StringComparer.Ordinal);
    private readonly RefusalLog _refusals = new(reports, BridgeDirection.Export);
    private readonly Dictionary<ObjectIdentity, ExportSighting> _sightings = [];
    private readonly List<ChannelExport> _replaced = [];
    private long _announcedAt = long.MinValue / 2;
    private volatile bool _isAsked;

    /// <summary>Opens what has come since the last look.</summary>
    internal void Look()
    {
        if (options.Export.Count == 0)
        {
            return;
        }

        var now = Environment.TickCount64;
        foreach (var entry in SharedMemoryDirectory.Enumerate())
        {
            // A name that is not a string cannot be opened by it, and is shown with U+FFFD.
            if (entry.Name.StartsWith(options.NamePrefix, StringComparison.Ordinal) && !entry.Name.Contains('\uFFFD', StringComparison.Ordinal))
            {
                var name = entry.Name[options.NamePrefix.Length..];
                if (name.Length > 0 && options.Exports(name) && SightingOf(entry, now).IsDue(now))
                {
                    Consider(entry, name, now);
                }
            }
        }

        Forget(now);
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
            all = [.. _exports.Values.Where(export => !export.HasEnded || export.IsCompleted)];
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
                export.Reconnect();
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
            all = [.. _exports.Values, .. _replaced];
        }

        foreach (var export in all)
        {
            await export.DisposeAsync().ConfigureAwait(false);
        }
    }

    /// <summary>What is known of an object, which may have the number of one that is gone.</summary>
    private ExportSighting SightingOf(SharedMemoryEntry entry, long now)
    {
        if (!_sightings.TryGetValue(entry.Identity, out var sighting) || sighting.Created != entry.CreationTime)
        {
            _sightings[entry.Identity] = sighting = new(entry.CreationTime);
        }

        sighting.SeenAt = now;
        return sighting;
    }

    /// <summary>Forgets what has no name any more: objects at once, exports that have ended after a while, in which importers hear of their end.</summary>
    private void Forget(long now)
    {
        foreach (var (identity, sighting) in _sightings)
        {
            if (sighting.SeenAt == now)
            {
                continue;
            }

            if (sighting.Export is { HasEnded: false } export)
            {
                export.LoseName();
            }
            else if (sighting.Export is null || now - sighting.SeenAt > FrameLimits.SilenceMilliseconds)
            {
                _sightings.Remove(identity);
            }
        }

        lock (_gate)
        {
            _replaced.RemoveAll(export => export.HasEnded);
            foreach (var (name, export) in _exports)
            {
                if (export.HasEnded && !_sightings.Values.Any(sighting => sighting.Export == export))
                {
                    _exports.Remove(name);
                }
            }
        }
    }

    private void Consider(SharedMemoryEntry entry, string name, long now)
    {
        var sighting = _sightings[entry.Identity];
        try
        {
            if (ReadHeader(entry) is not { } header)
            {
                // Something else, or not a channel yet.
                sighting.Wait(now, ExportSighting.MostForOthers);
            }
            else if (header.Origin != 0)
            {
                // A bridge made it.
                sighting.Ignore();
            }
            else if (!Announcement.IsCarried(header.Kind) || (header.ElementSize != 0 && (ChannelKind)header.Kind == ChannelKind.Latest))
            {
                sighting.Ignore();
                _refusals.Refuse(name, Announcement.IsCarried(header.Kind) ? "Latest values of a type are not carried: LatestBytes are." : $"Channels of kind {header.Kind} are not carried.");
            }
            else
            {
                sighting.Wait(now, ExportSighting.MostForChannels);
                sighting.Export = Open(name, header);
            }
        }
        catch (Exception e) when (e is SharedMemoryException or ChannelException or InvalidDataException or InvalidOperationException or ArgumentException or Threading.RosterFullException)
        {
            // It is tried again soon: another reader may leave.
            sighting.Wait(now, ExportSighting.MostForChannels);
            _refusals.Refuse(name, $"The channel cannot be opened: {e.Message}");
        }
    }

    private static SourceHeader? ReadHeader(SharedMemoryEntry entry)
    {
        var memory = entry.Open();
        try
        {
            return SourceHeader.TryRead(memory);
        }
        finally
        {
            // This process may have a lock of its own on the object, which closing it would release.
            memory.DisposeKeepingLocks();
        }
    }

    private ChannelExport? Open(string name, SourceHeader header)
    {
        lock (_gate)
        {
            if (_exports.TryGetValue(name, out var durable) && durable is { IsDurable: true, HasEnded: false })
            {
                // Nothing of a durable channel is dropped: the one that has its name now follows when it is empty.
                durable.LoseName();
                return null;
            }
        }

        var export = ChannelExport.Open(name, header, backend, options, reports);
        export.Start();
        ChannelExport? former;
        lock (_gate)
        {
            if (_exports.TryGetValue(name, out former))
            {
                _replaced.Add(former);
            }

            _exports[name] = export;
        }

        former?.Replace();
        _isAsked = true;
        return export;
    }
}
