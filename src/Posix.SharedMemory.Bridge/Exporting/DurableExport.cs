using System.Globalization;

namespace Posix.SharedMemory.Bridge;

/// <summary>
/// Publishes the messages of a channel to an engine that keeps them. A message is released when the engine has stored it, and the writer waits where the ring is full: nothing is lost, and what is
/// published a second time is recognised by its place.
/// </summary>
internal sealed class DurableExport : ChannelExport
{
    /// <summary>How long the engine may take to store a message, before it is published again.</summary>
    private static readonly TimeSpan s_storing = TimeSpan.FromSeconds(5);

    /// <summary>How long it takes to the next attempt.</summary>
    private static readonly TimeSpan s_again = TimeSpan.FromMilliseconds(200);

    private readonly IDurableBridgeBackend _backend;
    private readonly ExportSource _source;
    private readonly IMessageTaker _taker;
    private readonly Renewable _limit = new();
    private long _keptAt = long.MinValue / 2;
    private bool _isNoted;

    internal DurableExport(string name, SourceHeader header, ExportSource source, IDurableBridgeBackend backend, BridgeOptions options, BridgeReports reports)
        : base(name, header, source, backend, options, reports)
    {
        (_backend, _source) = (backend, source);
        _taker = source.Waits ? new DurableTaker(source, Chunk) : new MessageTaker(source, Chunk);
    }

    protected override async Task CarryAsync()
    {
        while (await WaitForMessageAsync().ConfigureAwait(false))
        {
            if (_source.TakeMissed() is { First: > 0 } missed)
            {
                // It was not read before this bridge had begun, or the writer has evicted its reader.
                Report.Lost(missed.First, missed.Last, LossPlace.LocalRing);
            }

            var first = _source.Next;
            if (_taker.TryTake(Options.BatchDelay))
            {
                await StoreTakenAsync(first).ConfigureAwait(false);
            }
        }

        if (Completed is { } error)
        {
            var last = _source.Next - 1;
            await StoreAsync(new() { Frame = Frame(last, 0, 0, 0), End = error.ToString(CultureInfo.InvariantCulture) }, default, Id(last, "end")).ConfigureAwait(false);
        }
    }

    /// <inheritdoc/>
    /// <remarks>The answer to what was published over the former connection does not come any more.</remarks>
    internal override void Reconnect()
    {
        base.Reconnect();
        _limit.Interrupt();
    }

    protected override void End()
    {
        _limit.Dispose();
        _taker.Dispose();
    }

    private async ValueTask StoreTakenAsync(long first)
    {
        var (count, bytes, payload) = (_taker.Count, _taker.Bytes, _taker.Taken);
        if (count > 1)
        {
            // After a restart a batch may begin with the same message and have more of them.
            await StoreAsync(new() { Frame = Frame(first, 0, payload.Length, 0), IsBatch = true }, payload, Id(first, string.Create(CultureInfo.InvariantCulture, $"0-{payload.Length}"))).ConfigureAwait(false);
        }
        else
        {
            var offset = 0;
            do
            {
                var part = payload.Slice(offset, Math.Min(Chunk, payload.Length - offset));
                var place = part.Length == payload.Length ? "0" : string.Create(CultureInfo.InvariantCulture, $"{offset}-{part.Length}");
                await StoreAsync(new() { Frame = Frame(first, offset, payload.Length, _taker.Mark.Type), Description = offset == 0 ? _taker.Mark.FrameText : null }, part, Id(first, place)).ConfigureAwait(false);
                offset += part.Length;
            }
            while (offset < payload.Length);
        }

        _taker.Release();
        Published(_source.Next);
        Report.Carried(count, bytes);
    }

    /// <summary>Publishes until the engine has stored it.</summary>
    private async ValueTask StoreAsync(BridgeHeaders headers, ReadOnlyMemory<byte> payload, string id)
    {
        while (!await TryStoreAsync(headers, payload, id).ConfigureAwait(false))
        {
            await Task.Delay(s_again, Stop).ConfigureAwait(false);
        }
    }

    /// <summary>Publishes once. False: it is not known to be stored, or nobody takes it yet.</summary>
    private async ValueTask<bool> TryStoreAsync(BridgeHeaders headers, ReadOnlyMemory<byte> payload, string id)
    {
        var limit = _limit.In((int)s_storing.TotalMilliseconds, Stop);
        try
        {
            if (!_backend.IsConnected || !await IsKeptAsync(limit).ConfigureAwait(false))
            {
                return false;
            }

            if (!_isNoted)
            {
                // A host that is away hears no announcement. This one it finds when it is back, whatever has become of this host.
                var announced = Announce();
                await _backend.WriteNoteAsync(SubjectName.NoteOf(announced), announced.ToBytes(), limit).ConfigureAwait(false);
                _isNoted = true;
            }

            await _backend.PublishDurableAsync(Subject, headers, payload, id, limit).ConfigureAwait(false);
            return true;
        }
        catch (IOException e)
        {
            LookAgain();
            if (_backend.IsConnected)
            {
                Report.Refuse($"The engine does not store messages: {e.Message}");
            }

            return false;
        }
        catch (OperationCanceledException) when (!Stop.IsCancellationRequested)
        {
            LookAgain();
            if (_backend.IsConnected)
            {
                Report.Refuse("The engine does not store messages: it has not answered in time, as where this user may not ask it.");
            }

            return false;
        }
    }

    /// <summary>The engine may have lost what it kept.</summary>
    private void LookAgain() => (_keptAt, _isNoted) = (long.MinValue / 2, false);

    /// <summary>Whether the engine keeps what is published, which it does for a taker. Looked at once a second: a taker can be removed.</summary>
    private async ValueTask<bool> IsKeptAsync(CancellationToken cancellationToken)
    {
        var now = Environment.TickCount64;
        if (now - _keptAt < FrameLimits.AnnounceMilliseconds)
        {
            return true;
        }

        var isKept = await _backend.KeepAsync(Subject, cancellationToken).ConfigureAwait(false) > 0;
        _keptAt = isKept ? now : _keptAt;
        return isKept;
    }

    private string Id(long sequence, string place) => string.Create(CultureInfo.InvariantCulture, $"{Epoch:x16}-{sequence}-{place}");
}
