namespace Posix.SharedMemory.Bridge;

/// <summary>
/// Finds durable channels of which the engine keeps messages for this host, also where nobody announces them any more: they were completed while this host was away, or their own host is. Each was
/// noted by its exporter before its first message.
/// </summary>
internal sealed class KeptChannels(IBridgeBackend backend, BridgeOptions options, BridgeReports reports) : IBridgeReceiver
{
    /// <summary>How often the notes are read while the connection is the same.</summary>
    private const int EveryMilliseconds = 30_000;

    /// <summary>How long the engine may take: less than it takes until a request fails that is not answered, so that this differs from an engine that keeps nothing.</summary>
    private const int AnswerMilliseconds = FrameLimits.SilenceMilliseconds - 1000;

    /// <summary>How many notes are looked at in one turn, and the next ones in the next turn; any program may write some.</summary>
    internal const int MostNotes = 1000;

    private readonly List<KeyValuePair<string, Announcement>> _noted = [];
    private long _lookedAt = long.MinValue / 2;
    private int _passed;
    private int _skipped;
    private bool _isReported;

    /// <summary>The connection is new: the next call of <see cref="FindAsync"/> looks.</summary>
    internal void LookAgain() => Interlocked.Exchange(ref _lookedAt, long.MinValue / 2);

    /// <inheritdoc/>
    public void Receive(in BridgeMessage message)
    {
        if (Announcement.TryParse(message.Payload) is { Delivery: BridgeDelivery.Durable } announced && message.Subject == SubjectName.NoteOf(announced) && announced.Host != SubjectName.EncodeHost(options.Host) && announced.IsFor(options, out var name)
            && ++_passed > _skipped && _noted.Count < MostNotes)
        {
            _noted.Add(new(name, announced));
        }
    }

    /// <summary>Looks now and then.</summary>
    /// <returns>The channels, as they were noted.</returns>
    internal async ValueTask<IReadOnlyList<KeyValuePair<string, Announcement>>> FindAsync(CancellationToken cancellationToken)
    {
        if (options.Import.Count == 0 || backend is not IDurableBridgeBackend { IsConnected: true } durable || Environment.TickCount64 - Interlocked.Read(ref _lookedAt) < EveryMilliseconds)
        {
            return [];
        }

        Interlocked.Exchange(ref _lookedAt, Environment.TickCount64);
        _noted.Clear();
        _passed = 0;
        var found = new List<KeyValuePair<string, Announcement>>();
        var looked = 0;
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        limit.CancelAfter(AnswerMilliseconds);
        try
        {
            await durable.ReadNotesAsync(SubjectName.AllNotes, this, limit.Token).ConfigureAwait(false);
            foreach (var noted in _noted)
            {
                if (await IsKeptAsync(durable, noted.Value, limit.Token).ConfigureAwait(false))
                {
                    found.Add(noted);
                }

                looked++;
            }
        }
        catch (Exception e) when (e is IOException || (e is OperationCanceledException && !cancellationToken.IsCancellationRequested))
        {
            // The engine of this connection keeps nothing, or does not answer: what was found counts, and the next look is in time.
            if (e is OperationCanceledException && looked == 0 && !_isReported)
            {
                _isReported = true;
                reports.Raise(new RefusedEventArgs(string.Join(' ', options.Import), "Durable channels that nobody announces are not found: the engine has not answered in time, as where this user may not ask it."));
            }

            _skipped = looked > 0 ? _skipped + looked : 0;
            return found;
        }

        _isReported = false;
        _skipped = _skipped + looked < _passed ? _skipped + looked : 0;
        if (_skipped > 0)
        {
            LookAgain();
        }

        return found;
    }

    /// <summary>Whether there are messages for this host. A channel that the engine says nothing of is in the way of no other.</summary>
    private async ValueTask<bool> IsKeptAsync(IDurableBridgeBackend durable, Announcement noted, CancellationToken cancellationToken)
    {
        try
        {
            return await durable.CountKeptAsync(SubjectName.Messages + noted.Channel, SubjectName.TakerOf(options.Host), cancellationToken).ConfigureAwait(false) > 0;
        }
        catch (IOException)
        {
            // It is looked at again in its turn.
            return false;
        }
    }
}
