namespace Posix.SharedMemory.Bridge;

/// <summary>An import whose messages come at most once: what is missing is reported, and the exporter is given credit for what has arrived.</summary>
internal sealed class StreamImport : ChannelImport
{
    private readonly ulong _importer = (ulong)Random.Shared.NextInt64(1, long.MaxValue);
    private readonly MessageIntake _intake;
    private readonly AnnouncedTail _tail;
    private readonly CreditGiver _credit;
    private IAsyncDisposable? _subscription;
    private long _settledNote;
    private bool _hasOpened;

    internal StreamImport(string name, Announcement announced, IBridgeBackend backend, BridgeOptions options, BridgeReports reports, ImportBudget budget)
        : base(name, announced, backend, options, reports, budget)
    {
        _credit = new(backend, SubjectEnd);
        _intake = new(Report);
        _tail = new(_intake, Report);
        // What was announced as next and never comes is a loss, also where it is the first message.
        _intake.Begin(announced, announced.First);
    }

    internal override bool IsCompleted => _intake.IsCompleted;

    protected override ImportedRing? Ring => _intake.Ring;

    protected override async Task SubscribeAsync(CancellationToken cancellationToken)
    {
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        limit.CancelAfter(FrameLimits.SilenceMilliseconds);
        try
        {
            _subscription = await Backend.SubscribeAsync(SubjectName.Messages + SubjectEnd, this, limit.Token).ConfigureAwait(false);
            await Backend.FlushAsync(limit.Token).ConfigureAwait(false);
        }
        catch (OperationCanceledException e) when (!cancellationToken.IsCancellationRequested)
        {
            throw new IOException("The engine does not answer.", e);
        }
    }

    protected override ValueTask UnsubscribeAsync() => _subscription?.DisposeAsync() ?? default;

    protected override bool Accept(in BridgeMessage message)
    {
        _intake.Accept(message);
        if (!_intake.NeedsWork && _intake.UnsettledBytes < Options.WindowBytes / 4)
        {
            return false;
        }

        _intake.NeedsWork = false;
        return true;
    }

    protected override void Follow(Announcement announced, long now)
    {
        if (_tail.CatchUp(announced, now))
        {
            WakeInside();
        }
    }

    /// <summary>The channel has begun another life, or another host has taken it over.</summary>
    protected override void BeginLife(Announcement announced, out ImportedRing? former)
    {
        _intake.EndAt(Announced.Next);
        var goesOn = _intake is { Ring.ParkedBytes: 0, IsCompleted: false, End: null } && announced.HasShapeOf(Announced) && announced.HasHostOf(Announced);
        former = goesOn ? null : _intake.Detach();
        Announced = announced;
        _tail.Forget();
        _intake.Begin(announced, announced.First);
        if (goesOn)
        {
            _intake.Ring!.BeginLife(announced.EpochNumber, announced.First);
        }
    }

    protected override void Open(ImportedRing? ring)
    {
        if (ring is { LastWritten: { } last } && !_hasOpened)
        {
            // An earlier bridge of this host was killed: what it missed is missing from here on.
            _intake.GoOn(last + 1);
        }

        ring?.BeginLife(_intake.Epoch, _intake.Expected);
        _intake.Open(ring);
        _hasOpened |= ring is not null;
    }

    protected override ImportedRing? Detach() => _intake.Detach();

    protected override ImportedRing? Drain() => _intake.Drain();

    protected override async ValueTask AnswerAsync()
    {
        CreditNote note;
        lock (Gate)
        {
            // While messages wait, what has come is not settled beyond the window: the exporter keeps what is more.
            var settled = _intake.Ring is { IsParking: true } ? _settledNote : Math.Max(_intake.Expected - 1, 0);
            _settledNote = settled;
            note = new(_importer, Announced.EpochNumber, settled, _intake.Ring?.ParkedBytes ?? 0, Options.WindowBytes);
            _intake.UnsettledBytes = 0;
            if (_intake.Ring is null)
            {
                return;
            }
        }

        await _credit.PublishAsync(note, Limit.In(FrameLimits.AnnounceMilliseconds, Stop), Stop).ConfigureAwait(false);
    }
}
