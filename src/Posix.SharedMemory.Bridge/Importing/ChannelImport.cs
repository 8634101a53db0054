using Posix.SharedMemory.Channels;

namespace Posix.SharedMemory.Bridge;

/// <summary>
/// Writes the messages of a channel of another host into a ring of this one. Everything that comes from the network is checked before a byte of it is copied. How messages come is in the classes below.
/// </summary>
internal abstract class ChannelImport : IBridgeReceiver, IAsyncDisposable
{
    private readonly SemaphoreSlim _wake = new(0, 1);
    private readonly CancellationTokenSource _stop = new();
    private readonly RingSupply _rings;
    private readonly bool _keeps;
    private Task _run = Task.CompletedTask;
    private long _heardAt;
    private bool _isOutdated;
    private ImportedRing? _left;
    private ImportedRing? _completed;
    private long _openedAt = long.MinValue / 2;

    /// <summary>Makes an import, which takes nothing from this host before <see cref="StartAsync"/>.</summary>
    protected ChannelImport(string name, Announcement announced, IBridgeBackend backend, BridgeOptions options, BridgeReports reports, ImportBudget budget)
    {
        (Announced, Next, Backend, Options) = (announced, announced, backend, options);
        Report = new(reports, name, BridgeDirection.Import);
        SubjectEnd = SubjectName.Encode(name);
        _keeps = backend is IDurableBridgeBackend;
        _rings = new(Report, options, budget);
        _heardAt = Environment.TickCount64;
    }

    internal ChannelReport Report { get; }

    /// <summary>Gets whether the channel was completed, and the ring was.</summary>
    internal abstract bool IsCompleted { get; }

    /// <summary>Gets whether the import writes to a ring. Without one, the next announcement makes it again.</summary>
    internal bool HasRing => Ring is not null;

    /// <summary>Gets whether the import is over: there is nothing to write to, and the channel has not been announced for a while; or it is announced with another delivery.</summary>
    internal bool IsForgotten
    {
        get
        {
            lock (Gate)
            {
                return _isOutdated || (Ring is null && _completed is null && Environment.TickCount64 - _heardAt > FrameLimits.SilenceMilliseconds);
            }
        }
    }

    internal string Host
    {
        get
        {
            lock (Gate)
            {
                return Announced.Host;
            }
        }
    }

    /// <summary>Gets the lock that guards what the engine's thread and the import's loop share.</summary>
    protected Lock Gate { get; } = new();

    protected IBridgeBackend Backend { get; }

    protected BridgeOptions Options { get; }

    /// <summary>Gets the channel's name, as the end of a subject.</summary>
    protected string SubjectEnd { get; }

    /// <summary>Gets what is cancelled when the import ends.</summary>
    protected CancellationToken Stop => _stop.Token;

    /// <summary>Gets the token that ends waits which an announcement interrupts.</summary>
    protected Renewable Limit { get; } = new();

    /// <summary>Gets or sets the announcement that is in force.</summary>
    protected Announcement Announced { get; set; }

    /// <summary>Gets or sets the announcement that asks for another life or a ring, until the loop has seen to it.</summary>
    protected Announcement? Next { get; set; }

    /// <summary>Gets the ring; <see langword="null"/>: it could not be opened, or is closed.</summary>
    protected abstract ImportedRing? Ring { get; }

    /// <summary>Makes an import for the delivery that is announced.</summary>
    internal static ChannelImport Create(string name, Announcement announced, IBridgeBackend backend, BridgeOptions options, BridgeReports reports, ImportBudget budget) =>
        announced.Delivery == BridgeDelivery.Durable && backend is IDurableBridgeBackend durable
            ? new DurableImport(name, announced, durable, options, reports, budget)
            : new StreamImport(name, announced, backend, options, reports, budget);

    /// <summary>Begins to receive, and then opens the ring: a process that sees it gets everything that is published from then on.</summary>
    /// <exception cref="IOException">The engine did not take the subscription.</exception>
    internal async Task StartAsync(CancellationToken cancellationToken)
    {
        await SubscribeAsync(cancellationToken).ConfigureAwait(false);
        Settle();
        _run = Task.Run(RunAsync, CancellationToken.None);
    }

    /// <summary>The exporter says how far the channel is. This is called where the engine reads from the network: rings are opened and closed by the import's own loop.</summary>
    internal void Take(Announcement announced)
    {
        lock (Gate)
        {
            var now = Environment.TickCount64;
            if (!announced.HasHostOf(Announced) && now - _heardAt < FrameLimits.SilenceMilliseconds)
            {
                Report.Refuse(announced.Host == Announced.Host ? $"The channel is announced by two hosts that are both called {announced.Host}." : $"The channel is announced by two hosts: {Announced.Host} and {announced.Host}.");
            }
            else if (AnnouncementCheck.Refusal(announced, _keeps) is { } refusal)
            {
                Report.Refuse(refusal);
            }
            else if (announced.Delivery != Announced.Delivery && (announced.Delivery == BridgeDelivery.Durable || Announced.Delivery == BridgeDelivery.Durable))
            {
                // An import of the other delivery follows.
                _isOutdated = true;
                Report.Refuse("The channel is announced with another delivery: it is imported again.");
            }
            else if (announced.IsOfLifeOf(Announced) && !announced.HasShapeOf(Announced))
            {
                Report.Refuse("The channel is announced with another shape in the same life.");
            }
            else
            {
                _heardAt = now;
                if (!announced.IsOfLifeOf(Announced) || (Ring is null && !IsCompleted && now - _openedAt >= FrameLimits.AnnounceMilliseconds / 2))
                {
                    Next = announced;
                    WakeInside();
                    Limit.Interrupt();
                }
                else
                {
                    Announced = announced;
                    Follow(announced, now);
                }
            }
        }
    }

    /// <inheritdoc/>
    public void Receive(in BridgeMessage message)
    {
        lock (Gate)
        {
            try
            {
                if (Accept(message))
                {
                    WakeInside();
                }
            }
            catch (Exception e) when (IsOfRing(e))
            {
                GiveUp(e);
            }
        }
    }

    /// <summary>The connection is new.</summary>
    internal void Reconnect()
    {
        lock (Gate)
        {
            BeginConnection();
            WakeInside();
            // What was asked over the former connection is not answered any more.
            Limit.Interrupt();
        }
    }

    public async ValueTask DisposeAsync()
    {
        if (_stop.IsCancellationRequested)
        {
            return;
        }

        await _stop.CancelAsync().ConfigureAwait(false);
        await _run.ConfigureAwait(false);
        await UnsubscribeAsync().ConfigureAwait(false);
        DrainAndComplete();
        ImportedRing? ring;
        lock (Gate)
        {
            ring = Detach();
        }

        _rings.Discard(ring);
        DiscardCompleted(isOver: true);
        DiscardLeft();
        Limit.Dispose();
        // The token ended every wait; nothing can be released after this.
        _stop.Dispose();
        _wake.Dispose();
    }

    /// <summary>Subscribes to the messages.</summary>
    /// <exception cref="IOException">The engine did not take the subscription.</exception>
    protected abstract Task SubscribeAsync(CancellationToken cancellationToken);

    /// <summary>Ends the subscription: nothing is received after it.</summary>
    protected abstract ValueTask UnsubscribeAsync();

    /// <summary>Begins another life of the channel, with the lock held.</summary>
    /// <param name="announced">The announcement.</param>
    /// <param name="former">The ring of the former life, for the caller to dispose, unless the new one goes on in it.</param>
    protected abstract void BeginLife(Announcement announced, out ImportedRing? former);

    /// <summary>A ring was opened, or could not be. With the lock held.</summary>
    protected abstract void Open(ImportedRing? ring);

    /// <summary>Gives the ring up, with the lock held.</summary>
    /// <returns>The ring, for the caller to dispose.</returns>
    protected abstract ImportedRing? Detach();

    /// <summary>The life that is known was announced again, with the lock held.</summary>
    protected abstract void Follow(Announcement announced, long now);

    /// <summary>The connection is new, with the lock held.</summary>
    protected virtual void BeginConnection()
    {
    }

    /// <summary>Checks a message and writes it, with the lock held.</summary>
    /// <returns>Whether the loop has something to do.</returns>
    protected abstract bool Accept(in BridgeMessage message);

    /// <summary>Writes what waits, as far as there is room, and completes the ring if the channel has ended. With the lock held.</summary>
    /// <returns>The ring where it was completed, for the caller to dispose.</returns>
    protected abstract ImportedRing? Drain();

    /// <summary>Says to the engine, or the exporter, what has arrived.</summary>
    protected abstract ValueTask AnswerAsync();

    protected void WakeInside()
    {
        if (_wake.CurrentCount == 0 && !_stop.IsCancellationRequested)
        {
            _wake.Release();
        }
    }

    /// <summary>Does what announcements ask for: begins another life of the channel, and opens a ring. Only one thread at a time comes here, and it does not hold the lock while it opens or closes.</summary>
    private void Settle()
    {
        DiscardLeft();
        ImportedRing? former = null;
        Announcement announced;
        lock (Gate)
        {
            if (Next is not { } next)
            {
                return;
            }

            Next = null;
            if (!next.IsOfLifeOf(Announced))
            {
                BeginLife(next, out former);
            }

            if (Ring is not null)
            {
                return;
            }

            announced = Announced;
        }

        _rings.Discard(former);
        DiscardCompleted(isOver: true);
        var ring = _rings.TryOpen(announced);
        lock (Gate)
        {
            Open(ring);
            _openedAt = Environment.TickCount64;
        }
    }

    /// <summary>The ring cannot be written: the import's loop closes it, and the next announcement opens one again.</summary>
    private void GiveUp(Exception reason)
    {
        Report.Refuse($"The ring cannot be written any more: {reason.Message}");
        _left = Detach() ?? _left;
        WakeInside();
    }

    private static bool IsOfRing(Exception e) => e is ChannelException or SharedMemoryException or InvalidOperationException or ObjectDisposedException;

    private void DiscardLeft()
    {
        ImportedRing? left;
        lock (Gate)
        {
            (left, _left) = (_left, null);
        }

        _rings.Discard(left);
    }

    private async Task RunAsync()
    {
        try
        {
            while (true)
            {
                Settle();
                await AnswerAsync().ConfigureAwait(false);
                if (WaitingLength() is { } length)
                {
                    await WaitForRoomAsync(length).ConfigureAwait(false);
                }
                else
                {
                    await _wake.WaitAsync(FrameLimits.AnnounceMilliseconds, _stop.Token).ConfigureAwait(false);
                }

                DrainAndComplete();
                DiscardCompleted(isOver: false);
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
        if (Ring is { HasLostName: true })
        {
            lock (Gate)
            {
                GiveUp(new InvalidOperationException("its name was removed, or given to another object."));
            }
        }
    }

    private int? WaitingLength()
    {
        lock (Gate)
        {
            return Ring is { IsParking: true, ParkedBytes: > 0 } ring ? ring.WaitingLength : null;
        }
    }

    private async Task WaitForRoomAsync(int length)
    {
        var ring = Ring;
        try
        {
            if (ring is not null && !await ring.WaitForRoomAsync(length, Limit.In(FrameLimits.AnnounceMilliseconds, _stop.Token)).ConfigureAwait(false))
            {
                await Task.Delay(FrameLimits.AnnounceMilliseconds, _stop.Token).ConfigureAwait(false);
            }
        }
        catch (OperationCanceledException) when (!_stop.IsCancellationRequested)
        {
            // No room came within the time: what has arrived is said again.
        }
        catch (Exception e) when (IsOfRing(e))
        {
            lock (Gate)
            {
                if (ring == Ring)
                {
                    GiveUp(e);
                }
            }
        }
    }

    private void DrainAndComplete()
    {
        lock (Gate)
        {
            try
            {
                _completed = Drain() ?? _completed;
            }
            catch (Exception e) when (IsOfRing(e))
            {
                GiveUp(e);
            }
        }
    }

    /// <summary>A ring that was completed keeps its name until it was read, its bytes are needed, or another life begins.</summary>
    private void DiscardCompleted(bool isOver)
    {
        ImportedRing? completed;
        lock (Gate)
        {
            if (!isOver && _rings.IsWanted(_completed))
            {
                return;
            }

            (completed, _completed) = (_completed, null);
        }

        _rings.Discard(completed);
    }
}
