using Posix.SharedMemory.Channels;

namespace Posix.SharedMemory.Bridge;

/// <summary>Writes the messages of a channel of another host into a ring of this one. Everything that comes from the network is checked before a byte of it is copied.</summary>
internal sealed class ChannelImport : IBridgeReceiver, IAsyncDisposable
{
    private readonly Lock _gate = new();
    private readonly IBridgeBackend _backend;
    private readonly BridgeOptions _options;
    private readonly SemaphoreSlim _wake = new(0, 1);
    private readonly CancellationTokenSource _stop = new();
    private readonly string _subject;
    private readonly ulong _importer = (ulong)Random.Shared.NextInt64(1, long.MaxValue);
    private IAsyncDisposable? _subscription;
    private Task _run = Task.CompletedTask;
    private Announcement _announced;
    private long _heardAt;
    private readonly MessageIntake _intake;
    private (long Next, long Expected, long At) _behind;
    private long _settledNote;

    internal ChannelImport(string name, Announcement announced, IBridgeBackend backend, BridgeOptions options, BridgeReports reports)
    {
        (_announced, _backend, _options) = (announced, backend, options);
        Report = new(reports, name, BridgeDirection.Import);
        _subject = SubjectName.Encode(name);
        _heardAt = Environment.TickCount64;
        _intake = new(Report);
        // What was announced as next and never comes is a loss, also where it is the first message.
        _intake.Begin(announced, announced.Next);
        _intake.Open(OpenRing());
    }

    internal ChannelReport Report { get; }

    /// <summary>Gets how many bytes the ring has.</summary>
    internal long Capacity => _announced.Capacity;

    internal bool IsCompleted => _intake.IsCompleted;

    internal string Host
    {
        get
        {
            lock (_gate)
            {
                return _announced.Host;
            }
        }
    }

    /// <summary>Gets whether the import writes to a ring. Without one, the next announcement makes it again.</summary>
    internal bool HasRing
    {
        get
        {
            lock (_gate)
            {
                return _intake.Ring is not null;
            }
        }
    }

    internal async Task StartAsync(CancellationToken cancellationToken)
    {
        _subscription = await _backend.SubscribeAsync(SubjectName.Messages + _subject, this, cancellationToken).ConfigureAwait(false);
        _run = Task.Run(RunAsync, CancellationToken.None);
    }

    /// <summary>The exporter says how far the channel is.</summary>
    internal void Take(Announcement announced)
    {
        lock (_gate)
        {
            var now = Environment.TickCount64;
            if (announced.Host != _announced.Host && now - _heardAt < FrameLimits.SilenceMilliseconds)
            {
                Report.Refuse($"The channel is announced by two hosts: {_announced.Host} and {announced.Host}.");
                return;
            }

            _heardAt = now;
            if (announced.EpochNumber != _announced.EpochNumber || announced.Host != _announced.Host)
            {
                BeginLife(announced);
            }
            else if (_intake.Ring is null && !_intake.IsCompleted)
            {
                _intake.Open(OpenRing());
            }
            else
            {
                CatchUp(announced, now);
            }
        }
    }

    /// <inheritdoc/>
    public void Receive(in BridgeMessage message)
    {
        lock (_gate)
        {
            try
            {
                _intake.Accept(message);
                if (_intake.NeedsWork || _intake.UnsettledBytes >= _options.WindowBytes / 4)
                {
                    _intake.NeedsWork = false;
                    WakeInside();
                }
            }
            catch (Exception e) when (e is ChannelException or InvalidOperationException or ObjectDisposedException)
            {
                Report.Refuse($"The ring cannot be written any more: {e.Message}");
                _intake.Close();
            }
        }
    }

    /// <summary>Credit is given again at once, since the connection is new.</summary>
    internal void Wake()
    {
        lock (_gate)
        {
            if (_wake.CurrentCount == 0 && !_stop.IsCancellationRequested)
            {
                _wake.Release();
            }
        }
    }

    public async ValueTask DisposeAsync()
    {
        if (_stop.IsCancellationRequested)
        {
            return;
        }

        await _stop.CancelAsync().ConfigureAwait(false);
        if (_subscription is { } subscription)
        {
            await subscription.DisposeAsync().ConfigureAwait(false);
        }

        await _run.ConfigureAwait(false);
        DrainAndComplete();
        lock (_gate)
        {
            _intake.Close();
        }

        // The token ended every wait; nothing can be released after this.
        _stop.Dispose();
        _wake.Dispose();
    }

    /// <summary>The channel has begun another life, or another host has taken it over.</summary>
    private void BeginLife(Announcement announced)
    {
        _intake.EndAt(_announced.Next);
        var goesOn = _intake is { Ring: not null, IsCompleted: false, End: null } && announced.Capacity == _announced.Capacity && announced.Alignment == _announced.Alignment
            && announced.SchemaId == _announced.SchemaId && announced.Delivery == _announced.Delivery && announced.Host == _announced.Host;
        _announced = announced;
        _behind = default;
        _intake.Begin(announced, announced.Next);
        if (!goesOn)
        {
            // Only a ring that this import has is replaced: a reader that still has it open sees its end. Without one, the name may be another's by now.
            var conflict = _intake.Ring is null ? NameConflict.Fail : NameConflict.Replace;
            _intake.Close();
            _intake.Open(OpenRing(conflict));
        }
    }

    /// <summary>Messages that were published last and never arrived are noticed by what the exporter says of them, twice.</summary>
    private void CatchUp(Announcement announced, long now)
    {
        _announced = announced;
        if (_intake.Expected == 0)
        {
            // What this connection publishes arrives in order: nothing that came before this announcement is still under way.
            _intake.GoOn(announced.Next);
        }
        else if (announced.Next == _intake.Expected)
        {
            _behind = default;
        }
        else if (_behind.Expected != _intake.Expected)
        {
            _behind = (announced.Next, _intake.Expected, now);
        }
        else if (now - _behind.At >= FrameLimits.AnnounceMilliseconds / 2)
        {
            if (_behind.Next > _intake.Expected)
            {
                _intake.EndAt(_behind.Next);
            }
            else if (announced.Next < _intake.Expected)
            {
                // A stranger has published a sequence that the channel has not reached.
                Report.Refuse("The messages were ahead of what the exporter announces.");
                _intake.GoOn(announced.Next);
            }

            _behind = default;
        }

        if (announced.Completed is { } error && announced.Next <= _intake.Expected && _intake is { IsCompleted: false, End: null })
        {
            _intake.Finish(error);
            WakeInside();
        }
    }

    private ImportedRing? OpenRing(NameConflict conflict = NameConflict.Fail)
    {
        try
        {
            return ImportedRing.Open(_options.NamePrefix + Report.Channel, _announced, FrameLimits.OriginOf(_announced.Host), _options, conflict);
        }
        catch (Exception e) when (e is SharedMemoryException or ChannelException or InvalidOperationException or InvalidDataException or ArgumentException or Threading.RosterFullException)
        {
            Report.Refuse($"The ring could not be opened: {e.Message}");
            return null;
        }
    }

    private void WakeInside()
    {
        if (_wake.CurrentCount == 0 && !_stop.IsCancellationRequested)
        {
            _wake.Release();
        }
    }

    private async Task RunAsync()
    {
        using var limit = new Renewable();
        try
        {
            while (true)
            {
                await SendCreditAsync(limit).ConfigureAwait(false);
                if (WaitingLength() is { } length)
                {
                    await WaitForRoomAsync(length, limit).ConfigureAwait(false);
                }
                else
                {
                    await _wake.WaitAsync(FrameLimits.AnnounceMilliseconds, _stop.Token).ConfigureAwait(false);
                }

                DrainAndComplete();
            }
        }
        catch (OperationCanceledException) when (_stop.IsCancellationRequested)
        {
            // The bridge stops.
        }
    }

    private int? WaitingLength()
    {
        lock (_gate)
        {
            return _intake.Ring is { IsParking: true, ParkedBytes: > 0 } ring ? ring.WaitingLength : null;
        }
    }

    private async Task WaitForRoomAsync(int length, Renewable limit)
    {
        var ring = _intake.Ring;
        try
        {
            if (ring is not null && !await ring.WaitForRoomAsync(length, limit.In(FrameLimits.AnnounceMilliseconds, _stop.Token)).ConfigureAwait(false))
            {
                await Task.Delay(FrameLimits.AnnounceMilliseconds, _stop.Token).ConfigureAwait(false);
            }
        }
        catch (OperationCanceledException) when (!_stop.IsCancellationRequested)
        {
            // No room came within the time: credit is given again.
        }
        catch (ObjectDisposedException)
        {
            // The ring was closed for another.
        }
        catch (Exception e) when (e is ChannelException or InvalidOperationException)
        {
            lock (_gate)
            {
                Report.Refuse($"The ring cannot be written any more: {e.Message}");
                _intake.Close();
            }
        }
    }

    private void DrainAndComplete()
    {
        lock (_gate)
        {
            try
            {
                _intake.Drain();
            }
            catch (Exception e) when (e is ChannelException or InvalidOperationException)
            {
                Report.Refuse($"The ring cannot be written any more: {e.Message}");
                _intake.Close();
            }
        }
    }

    private async Task SendCreditAsync(Renewable limit)
    {
        CreditNote note;
        lock (_gate)
        {
            // While messages wait, what has come is not settled beyond the window: the exporter keeps what is more.
            var settled = _intake.Ring is { IsParking: true } ? _settledNote : Math.Max(_intake.Expected - 1, 0);
            _settledNote = settled;
            note = new(_importer, _announced.EpochNumber, settled, _intake.Ring?.ParkedBytes ?? 0, _options.WindowBytes);
            _intake.UnsettledBytes = 0;
            if (_intake.Ring is null)
            {
                return;
            }
        }

        try
        {
            if (_backend.IsConnected)
            {
                await _backend.PublishAsync(SubjectName.Credit + _subject, default, note.ToBytes(), limit.In(FrameLimits.AnnounceMilliseconds, _stop.Token)).ConfigureAwait(false);
            }
        }
        catch (IOException)
        {
            // It is given again in a second, or when the connection is back.
        }
        catch (OperationCanceledException) when (!_stop.IsCancellationRequested)
        {
            // As above.
        }
    }
}
