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
    private readonly AnnouncedTail _tail;
    private long _settledNote;
    private readonly RingSupply _rings;
    private readonly CreditGiver _credit;
    private readonly Renewable _limit = new();
    private Announcement? _next;
    private bool _hasOpened;
    private ImportedRing? _left;
    private long _openedAt = long.MinValue / 2;

    /// <summary>Makes an import, which takes nothing from this host before <see cref="StartAsync"/>.</summary>
    internal ChannelImport(string name, Announcement announced, IBridgeBackend backend, BridgeOptions options, BridgeReports reports, ImportBudget budget)
    {
        (_announced, _next, _backend, _options) = (announced, announced, backend, options);
        Report = new(reports, name, BridgeDirection.Import);
        _subject = SubjectName.Encode(name);
        _rings = new(Report, options, budget);
        _credit = new(backend, _subject);
        _heardAt = Environment.TickCount64;
        _intake = new(Report);
        _tail = new(_intake, Report);
        // What was announced as next and never comes is a loss, also where it is the first message.
        _intake.Begin(announced, announced.Next);
    }

    internal ChannelReport Report { get; }

    internal bool IsCompleted => _intake.IsCompleted;

    /// <summary>Gets whether there is nothing to write to, and the channel has not been announced for a while.</summary>
    internal bool IsForgotten
    {
        get
        {
            lock (_gate)
            {
                return _intake.Ring is null && Environment.TickCount64 - _heardAt > FrameLimits.SilenceMilliseconds;
            }
        }
    }

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
    internal bool HasRing => _intake.Ring is not null;

    /// <summary>Opens the ring, and begins to receive.</summary>
    /// <exception cref="IOException">The engine did not take the subscription.</exception>
    internal async Task StartAsync(CancellationToken cancellationToken)
    {
        Settle();
        _subscription = await _backend.SubscribeAsync(SubjectName.Messages + _subject, this, cancellationToken).ConfigureAwait(false);
        _run = Task.Run(RunAsync, CancellationToken.None);
    }

    /// <summary>The exporter says how far the channel is. This is called where the engine reads from the network: rings are opened and closed by the import's own loop.</summary>
    internal void Take(Announcement announced)
    {
        lock (_gate)
        {
            var now = Environment.TickCount64;
            if (announced.Host != _announced.Host && now - _heardAt < FrameLimits.SilenceMilliseconds)
            {
                Report.Refuse($"The channel is announced by two hosts: {_announced.Host} and {announced.Host}.");
            }
            else if (AnnouncementCheck.Refusal(announced) is { } refusal)
            {
                Report.Refuse(refusal);
            }
            else if (announced.IsOfLifeOf(_announced) && !announced.HasShapeOf(_announced))
            {
                Report.Refuse("The channel is announced with another shape in the same life.");
            }
            else
            {
                _heardAt = now;
                if (!announced.IsOfLifeOf(_announced) || (_intake is { Ring: null, IsCompleted: false } && now - _openedAt >= FrameLimits.AnnounceMilliseconds / 2))
                {
                    _next = announced;
                    WakeInside();
                    _limit.Interrupt();
                }
                else
                {
                    _announced = announced;
                    if (_tail.CatchUp(announced, now))
                    {
                        WakeInside();
                    }
                }
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
            catch (Exception e) when (IsOfRing(e))
            {
                GiveUp(e);
            }
        }
    }

    /// <summary>Credit is given again at once, since the connection is new.</summary>
    internal void Wake()
    {
        lock (_gate)
        {
            WakeInside();
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
        ImportedRing? ring;
        lock (_gate)
        {
            ring = _intake.Detach();
        }

        _rings.Discard(ring);
        DiscardLeft();
        _limit.Dispose();
        // The token ended every wait; nothing can be released after this.
        _stop.Dispose();
        _wake.Dispose();
    }

    /// <summary>Does what announcements ask for: begins another life of the channel, and opens a ring. Only one thread at a time comes here, and it does not hold the lock while it opens or closes.</summary>
    private void Settle()
    {
        DiscardLeft();
        ImportedRing? former = null;
        Announcement announced;
        lock (_gate)
        {
            if (_next is not { } next)
            {
                return;
            }

            _next = null;
            if (!next.IsOfLifeOf(_announced) && BeginLife(next, out former))
            {
                return;
            }

            if (_intake.Ring is not null)
            {
                return;
            }

            announced = _announced;
        }

        _rings.Discard(former);
        var ring = _rings.TryOpen(announced);
        lock (_gate)
        {
            if (ring is { LastWritten: { } last } && !_hasOpened)
            {
                // An earlier bridge of this host was killed: what it missed is missing from here on.
                _intake.GoOn(last + 1);
            }

            ring?.BeginLife(announced.EpochNumber, _intake.Expected);
            _intake.Open(ring);
            _hasOpened |= ring is not null;
            _openedAt = Environment.TickCount64;
        }
    }

    /// <summary>The channel has begun another life, or another host has taken it over.</summary>
    /// <returns>True: it goes on in the ring of the former life. False: it needs a ring.</returns>
    private bool BeginLife(Announcement announced, out ImportedRing? former)
    {
        _intake.EndAt(_announced.Next);
        var goesOn = _intake is { Ring.ParkedBytes: 0, IsCompleted: false, End: null } && announced.HasShapeOf(_announced) && announced.Host == _announced.Host;
        former = goesOn ? null : _intake.Detach();
        _announced = announced;
        _tail.Forget();
        _intake.Begin(announced, announced.Next);
        if (goesOn)
        {
            _intake.Ring!.BeginLife(announced.EpochNumber, announced.Next);
        }

        return goesOn;
    }

    /// <summary>The ring cannot be written: the import's loop closes it, and the next announcement opens one again.</summary>
    private void GiveUp(Exception reason)
    {
        Report.Refuse($"The ring cannot be written any more: {reason.Message}");
        _left = _intake.Detach() ?? _left;
        WakeInside();
    }

    private static bool IsOfRing(Exception e) => e is ChannelException or SharedMemoryException or InvalidOperationException or ObjectDisposedException;

    private void DiscardLeft()
    {
        ImportedRing? left;
        lock (_gate)
        {
            (left, _left) = (_left, null);
        }

        _rings.Discard(left);
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
        try
        {
            while (true)
            {
                Settle();
                await SendCreditAsync().ConfigureAwait(false);
                if (WaitingLength() is { } length)
                {
                    await WaitForRoomAsync(length).ConfigureAwait(false);
                }
                else
                {
                    await _wake.WaitAsync(FrameLimits.AnnounceMilliseconds, _stop.Token).ConfigureAwait(false);
                }

                DrainAndComplete();
                GiveUpWithoutName();
            }
        }
        catch (OperationCanceledException) when (_stop.IsCancellationRequested)
        {
            // The bridge stops.
        }
    }

    /// <summary>A ring whose name was removed, or given to another object, is found by no reader any more.</summary>
    private void GiveUpWithoutName()
    {
        if (_intake.Ring is { HasLostName: true })
        {
            lock (_gate)
            {
                GiveUp(new InvalidOperationException("its name was removed, or given to another object."));
            }
        }
    }

    private int? WaitingLength()
    {
        lock (_gate)
        {
            return _intake.Ring is { IsParking: true, ParkedBytes: > 0 } ring ? ring.WaitingLength : null;
        }
    }

    private async Task WaitForRoomAsync(int length)
    {
        var ring = _intake.Ring;
        try
        {
            if (ring is not null && !await ring.WaitForRoomAsync(length, _limit.In(FrameLimits.AnnounceMilliseconds, _stop.Token)).ConfigureAwait(false))
            {
                await Task.Delay(FrameLimits.AnnounceMilliseconds, _stop.Token).ConfigureAwait(false);
            }
        }
        catch (OperationCanceledException) when (!_stop.IsCancellationRequested)
        {
            // No room came within the time: credit is given again.
        }
        catch (Exception e) when (IsOfRing(e))
        {
            lock (_gate)
            {
                if (ring == _intake.Ring)
                {
                    GiveUp(e);
                }
            }
        }
    }

    private void DrainAndComplete()
    {
        ImportedRing? completed = null;
        lock (_gate)
        {
            try
            {
                completed = _intake.Drain();
            }
            catch (Exception e) when (IsOfRing(e))
            {
                GiveUp(e);
            }
        }

        _rings.Discard(completed);
    }

    private async Task SendCreditAsync()
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

        await _credit.PublishAsync(note, _limit.In(FrameLimits.AnnounceMilliseconds, _stop.Token), _stop.Token).ConfigureAwait(false);
    }
}
