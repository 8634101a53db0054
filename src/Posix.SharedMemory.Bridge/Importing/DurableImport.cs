namespace Posix.SharedMemory.Bridge;

/// <summary>
/// An import whose messages the engine keeps until they are in the ring. Whatever comes out of order, or finds no room, is left to the engine: the import subscribes again, and everything that it has
/// not acknowledged comes again, in order.
/// </summary>
internal sealed class DurableImport : ChannelImport
{
    /// <summary>How long it takes to the next subscription.</summary>
    private const int BindMilliseconds = 200;

    private const int LeastUnderWay = 64, MostUnderWay = 65_536, LeastChunk = 1024;

    private readonly IDurableBridgeBackend _backend;
    private readonly DurableIntake _intake;
    private IDurableSubscription? _subscription;
    private long _boundAt = long.MinValue / 2;
    private long _checkedAt;
    private long _arrivals;
    private ulong _withoutNote;
    private long _soughtAt = long.MinValue / 2;

    internal DurableImport(string name, Announcement announced, IDurableBridgeBackend backend, BridgeOptions options, BridgeReports reports, ImportBudget budget)
        : base(name, announced, backend, options, reports, budget)
    {
        _backend = backend;
        _intake = new(Report);
    }

    internal override bool IsCompleted => _intake.IsCompleted;

    protected override ImportedRing? Ring => _intake.Ring;

    /// <summary>The loop subscribes, as often as it is necessary.</summary>
    protected override Task SubscribeAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    protected override async ValueTask UnsubscribeAsync()
    {
        if (_subscription is { } subscription)
        {
            _subscription = null;
            await subscription.DisposeAsync().ConfigureAwait(false);
        }
    }

    protected override bool Accept(in BridgeMessage message)
    {
        _intake.Accept(message, Announced.EpochNumber);
        return true;
    }

    /// <summary>What comes next, and whether the channel has ended, the engine says.</summary>
    protected override void Follow(Announcement announced, long now) => _intake.Follow(announced.EpochNumber, announced.Next, now);

    /// <summary>The lives of a channel follow each other in what the engine keeps: only a ring of another shape cannot go on.</summary>
    protected override void BeginLife(Announcement announced, out ImportedRing? former)
    {
        former = announced.HasShapeOf(Announced) && announced.HasHostOf(Announced) && !_intake.IsCompleted ? null : Detach();
        Announced = announced;
        _intake.BeginLife(announced.EpochNumber);
    }

    protected override void Open(ImportedRing? ring) => _intake.Open(ring);

    protected override ImportedRing? Detach() => _intake.Detach();

    protected override void BeginConnection() => _intake.Again();

    protected override ImportedRing? Drain() => _intake.Drain();

    /// <summary>Acknowledges what is in the ring, and then subscribes again where that is necessary.</summary>
    protected override async ValueTask AnswerAsync()
    {
        try
        {
            await AcknowledgeAsync().ConfigureAwait(false);
            await RemoveNoteAsync().ConfigureAwait(false);
            await FindLifeAsync().ConfigureAwait(false);
            await CheckAsync().ConfigureAwait(false);
            await BindAsync().ConfigureAwait(false);
        }
        catch (IOException e)
        {
            lock (Gate)
            {
                _intake.Again();
            }

            if (_backend.IsConnected)
            {
                Report.Refuse($"The engine does not deliver what it keeps: {e.Message}");
            }
        }
        catch (OperationCanceledException) when (!Stop.IsCancellationRequested)
        {
            // It took too long: the next turn tries again.
        }
    }

    private async ValueTask AcknowledgeAsync()
    {
        string acknowledgement;
        int count;
        lock (Gate)
        {
            (acknowledgement, count) = _intake.Settled;
        }

        if (count > 0 && _subscription is { } subscription && _backend.IsConnected)
        {
            var isConfirmed = false;
            try
            {
                await subscription.AcknowledgeAsync(acknowledgement, Limit.In(FrameLimits.SilenceMilliseconds, Stop)).ConfigureAwait(false);
                isConfirmed = true;
            }
            finally
            {
                lock (Gate)
                {
                    if (isConfirmed)
                    {
                        _intake.Forget(count);
                    }
                    else
                    {
                        _intake.Again();
                    }
                }
            }
        }
    }

    /// <summary>When the channel has ended here, and no host waits for messages of it, nobody needs the note any more.</summary>
    private async ValueTask RemoveNoteAsync()
    {
        Announcement ended;
        lock (Gate)
        {
            if (!_intake.IsCompleted || _intake.HasUnacknowledged || !_backend.IsConnected || _withoutNote == Announced.EpochNumber)
            {
                return;
            }

            ended = Announced;
        }

        var limit = Limit.In(FrameLimits.SilenceMilliseconds, Stop);
        if (await _backend.CountKeptAsync(SubjectName.Messages + SubjectEnd, taker: null, limit).ConfigureAwait(false) == 0)
        {
            var note = new NoteOfChannel(ended);
            await _backend.ReadNotesAsync(SubjectName.NoteOf(ended), note, limit).ConfigureAwait(false);
            if (note is { Noted: { } noted, Acknowledgement: { } acknowledgement } && noted.IsOfLifeOf(ended))
            {
                await _backend.RemoveNoteAsync(SubjectName.NoteOf(ended), acknowledgement, limit).ConfigureAwait(false);
            }

            _withoutNote = ended.EpochNumber;
        }
    }

    /// <summary>
    /// A message has come of a life that is not announced. Every exporter stores a note about a life before its first message: where the host's note is about the life that is known, and no other host has one about
    /// the life that is not, the message is a stranger's. A newer note of the host is as good as an announcement, which may never come; another host that exports the channel now is waited for.
    /// </summary>
    private async ValueTask FindLifeAsync()
    {
        ulong unannounced;
        Announcement known;
        lock (Gate)
        {
            (unannounced, known) = (_intake.Unannounced, Announced);
        }

        var now = Environment.TickCount64;
        if (unannounced == 0 || !_backend.IsConnected || now - _soughtAt < BindMilliseconds)
        {
            return;
        }

        _soughtAt = now;
        var note = new NoteOfChannel(known, unannounced);
        await _backend.ReadNotesAsync(SubjectName.NotesOf(known), note, Limit.In(FrameLimits.SilenceMilliseconds, Stop)).ConfigureAwait(false);
        if (note.Noted is { } noted && !noted.IsOfLifeOf(known))
        {
            Take(noted);
        }
        else if (note.Noted is not null && !note.IsOfAnotherHost)
        {
            lock (Gate)
            {
                if (_intake.Unannounced == unannounced && known.IsOfLifeOf(Announced))
                {
                    _intake.Refuse(unannounced);
                }
            }
        }
    }

    /// <summary>Looks now and then whether the engine still knows this host, since somebody may have removed what it keeps; and whether it has messages that do not come.</summary>
    private async ValueTask CheckAsync()
    {
        var now = Environment.TickCount64;
        if (_subscription is null || !_backend.IsConnected || now - _checkedAt < FrameLimits.SilenceMilliseconds)
        {
            return;
        }

        _checkedAt = now;
        long arrivals;
        bool isSilent;
        lock (Gate)
        {
            (arrivals, isSilent) = (_intake.Arrivals, _intake.Arrivals == _arrivals && _intake.IsIdle);
            _arrivals = arrivals;
        }

        var limit = Limit.In(FrameLimits.SilenceMilliseconds, Stop);
        var subject = SubjectName.Messages + SubjectEnd;
        var isKnown = await _backend.KeepAsync(subject, limit).ConfigureAwait(false) > 0;
        if (isKnown && !isSilent)
        {
            return;
        }

        var isNothingKept = isKnown && await _backend.CountKeptAsync(subject, SubjectName.TakerOf(Options.Host), limit).ConfigureAwait(false) == 0;
        lock (Gate)
        {
            if (isNothingKept)
            {
                _intake.NothingIsKept();
            }
            else
            {
                _intake.Again();
            }
        }
    }

    private async ValueTask BindAsync()
    {
        var now = Environment.TickCount64;
        lock (Gate)
        {
            if (!_intake.MustBindNow || !_backend.IsConnected)
            {
                return;
            }
        }

        if (now - _boundAt < BindMilliseconds)
        {
            await Task.Delay(BindMilliseconds, Stop).ConfigureAwait(false);
        }

        _boundAt = _checkedAt = Environment.TickCount64;
        await UnsubscribeAsync().ConfigureAwait(false);
        int most;
        lock (Gate)
        {
            _intake.Bound();
            // All parts of the longest message must be under way before any of them is acknowledged.
            most = (int)Math.Clamp(Announced.Capacity / Math.Max(Announced.Chunk, LeastChunk), LeastUnderWay, MostUnderWay);
        }

        try
        {
            _subscription = await _backend.SubscribeDurableAsync(
                SubjectName.Messages + SubjectEnd, SubjectName.TakerOf(Options.Host), most, this, Limit.In(FrameLimits.SilenceMilliseconds, Stop)).ConfigureAwait(false);
        }
        catch (IOException e) when (_backend.IsConnected)
        {
            throw new IOException($"{e.Message.TrimEnd('.')}. If another bridge calls itself '{Options.Host}' too, give one of them another name (Host, --host).", e);
        }
        finally
        {
            if (_subscription is null)
            {
                lock (Gate)
                {
                    _intake.Again();
                }
            }
        }
    }

    /// <summary>Finds the note about a channel: the newest life of it that has messages; and whether another host has one about a life.</summary>
    private sealed class NoteOfChannel(Announcement known, ulong life = 0) : IBridgeReceiver
    {
        internal bool IsOfAnotherHost { get; private set; }

        internal Announcement? Noted { get; private set; }

        internal string? Acknowledgement { get; private set; }

        public void Receive(in BridgeMessage message)
        {
            if (Announcement.TryParse(message.Payload) is not { } noted || noted.Channel != known.Channel)
            {
                return;
            }

            if (noted.Host == known.Host)
            {
                (Noted, Acknowledgement) = (noted, message.Acknowledgement);
            }
            else
            {
                IsOfAnotherHost |= noted.EpochNumber == life;
            }
        }
    }
}
