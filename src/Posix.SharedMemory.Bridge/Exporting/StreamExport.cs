using System.Diagnostics;
using System.Globalization;

namespace Posix.SharedMemory.Bridge;

/// <summary>Publishes the messages of a channel, or the newest of them, at most once: the network does not hold up its writer for long, and what is lost is reported.</summary>
internal sealed class StreamExport : ChannelExport
{
    /// <summary>How long the first messages wait for importers, which answer an announcement.</summary>
    private static readonly TimeSpan s_joining = TimeSpan.FromSeconds(1);

    /// <summary>How long a message waits for the engine before it is given up.</summary>
    private static readonly TimeSpan s_publishing = TimeSpan.FromSeconds(2);

    /// <summary>How long the local writer may wait for a publication: a network that is only slower than it sets its pace, and one that takes nothing does not.</summary>
    private static readonly TimeSpan s_pacing = TimeSpan.FromMilliseconds(250);

    /// <summary>How often the ring is looked at while nothing may be sent.</summary>
    private static readonly TimeSpan s_holding = TimeSpan.FromMilliseconds(5);

    private readonly ExportSource _source;
    private readonly MessageTaker _taker;
    private CancellationTokenSource _limit = new();
    private (long First, long Last) _dropped;
    private long _sentAt;

    internal StreamExport(string name, SourceHeader header, ExportSource source, IBridgeBackend backend, BridgeOptions options, BridgeReports reports)
        : base(name, header, source, backend, options, reports)
    {
        _source = source;
        _taker = new(source, Chunk);
    }

    private bool MaySend => Backend.IsConnected && Window.IsOpen;

    private bool IsEarly => Route.MaxRate > 0 && _sentAt != 0 && Stopwatch.GetElapsedTime(_sentAt).TotalSeconds < 1 / Route.MaxRate;

    protected override async Task CarryAsync()
    {
        var start = Stopwatch.GetTimestamp();
        while (Window.Importers == 0 && Stopwatch.GetElapsedTime(start) < s_joining && !IsPressed())
        {
            await Window.WaitAsync(s_holding, Stop).ConfigureAwait(false);
        }

        while (await WaitAsync().ConfigureAwait(false))
        {
            await SendAsync().ConfigureAwait(false);
        }

        if (Completed is { } error)
        {
            await TellDroppedAsync().ConfigureAwait(false);
            await TryPublishAsync(new() { Frame = Frame(_taker.Next - 1, 0, 0, 0), End = error.ToString(CultureInfo.InvariantCulture) }, default).ConfigureAwait(false);
        }
    }

    protected override void End()
    {
        if (IsReplaced)
        {
            Drop(mayStay: 0);
        }

        _limit.Dispose();
        _taker.Dispose();
    }

    private bool IsPressed()
    {
        var used = _source.Available;
        return _source.MayStay(used) != used;
    }

    /// <summary>Waits for a message. Before that, what was dropped is reported.</summary>
    private async ValueTask<bool> WaitAsync()
    {
        if (Backend.IsConnected && _source.Available == 0)
        {
            await TellDroppedAsync().ConfigureAwait(false);
        }

        return await WaitForMessageAsync().ConfigureAwait(false);
    }

    private async ValueTask SendAsync()
    {
        if (Route.Delivery == BridgeDelivery.Latest)
        {
            await SendLatestAsync().ConfigureAwait(false);
        }
        else if (!MaySend)
        {
            await HoldAsync().ConfigureAwait(false);
        }
        else
        {
            await TellDroppedAsync().ConfigureAwait(false);
            var first = _taker.Next;
            if (_taker.TryTake(Options.BatchDelay))
            {
                await PublishTakenAsync(first).ConfigureAwait(false);
            }
        }
    }

    /// <summary>Sends the newest message, once it may be sent. Until then newer ones replace it: the ring is emptied, and its writer does not wait for the rate or the network.</summary>
    private async ValueTask SendLatestAsync()
    {
        if (!_taker.TryTakeNewest())
        {
            return;
        }

        while ((!MaySend || IsEarly) && !Stop.IsCancellationRequested)
        {
            await Window.WaitAsync(s_holding, CancellationToken.None).ConfigureAwait(false);
            _taker.TryTakeNewest();
        }

        if (Backend.IsConnected)
        {
            _sentAt = Stopwatch.GetTimestamp();
            await PublishTakenAsync(_taker.Next - 1).ConfigureAwait(false);
        }
    }

    /// <summary>While nothing may be sent, the messages stay in the ring, as far as its writer does not need the room.</summary>
    private Task HoldAsync()
    {
        Relieve();
        return Window.WaitAsync(s_holding, Stop);
    }

    /// <summary>Drops the oldest messages where the writer would have to wait otherwise.</summary>
    private void Relieve()
    {
        var used = _source.Available;
        var mayStay = _source.MayStay(used);
        if (mayStay < used)
        {
            // What comes meanwhile may stay where nothing presses.
            Drop(mayStay);
        }
    }

    private void Drop(long mayStay)
    {
        var dropped = _taker.DropOldest(mayStay);
        if (dropped.First > 0 && Route.Delivery != BridgeDelivery.Latest)
        {
            Report.Lost(dropped.First, dropped.Last, LossPlace.LocalRing);
            _dropped = (_dropped.First > 0 ? _dropped.First : dropped.First, dropped.Last);
        }
    }

    /// <summary>Publishes which messages were dropped, so that importers know where they were lost.</summary>
    private async ValueTask TellDroppedAsync()
    {
        if (_source.TakeMissed() is { First: > 0 } missed && Route.Delivery != BridgeDelivery.Latest)
        {
            Report.Lost(missed.First, missed.Last, LossPlace.LocalRing);
            _dropped = (_dropped.First > 0 ? _dropped.First : missed.First, missed.Last);
        }

        if (_dropped.First > 0)
        {
            var (first, last) = _dropped;
            _dropped = default;
            await TryPublishAsync(new() { Frame = Frame(last, 0, 0, 0), Lost = string.Create(CultureInfo.InvariantCulture, $"{first} {last}") }, default).ConfigureAwait(false);
            Published(last + 1);
        }
    }

    private async ValueTask PublishTakenAsync(long first)
    {
        var payload = _taker.Taken;
        var last = _taker.Next - 1;
        Window.Add(last, payload.Length + ((long)_taker.Count * FrameLimits.MessageOverhead));
        var isSent = true;
        if (_taker.Count > 1)
        {
            isSent = await TryPublishAsync(new() { Frame = Frame(first, 0, payload.Length, 0), IsBatch = true }, payload).ConfigureAwait(false);
        }
        else
        {
            var offset = 0;
            do
            {
                // Another server may take less than the one before.
                var part = payload.Slice(offset, Math.Min(Chunk, payload.Length - offset));
                isSent = await TryPublishAsync(new() { Frame = Frame(first, offset, payload.Length, _taker.Mark.Type), Description = offset == 0 ? _taker.Mark.FrameText : null }, part).ConfigureAwait(false);
                offset += part.Length;
            }
            while (isSent && offset < payload.Length);
        }

        Published(last + 1);
        if (isSent)
        {
            Report.Carried(_taker.Count, _taker.Bytes);
        }
        else
        {
            Report.Lost(first, last, LossPlace.Wire);
        }
    }

    private async ValueTask<bool> TryPublishAsync(BridgeHeaders headers, ReadOnlyMemory<byte> payload)
    {
        // What was taken out of the ring is sent, also while the bridge stops.
        if (!_limit.TryReset())
        {
            _limit.Dispose();
            _limit = new();
        }

        _limit.CancelAfter(s_publishing);
        try
        {
            await RelieveWhileAsync(Backend.PublishAsync(Subject, headers, payload, _limit.Token)).ConfigureAwait(false);
            return true;
        }
        catch (Exception e) when (e is IOException or OperationCanceledException or ObjectDisposedException)
        {
            // Importers count what does not arrive, and so does the caller.
            return false;
        }
    }

    /// <summary>Waits for the network, and does not let the local writer wait for long meanwhile.</summary>
    private ValueTask RelieveWhileAsync(ValueTask publishing)
    {
        if (publishing.IsCompleted)
        {
            return publishing;
        }

        return RelieveWhileAsync(publishing.AsTask());
    }

    private async ValueTask RelieveWhileAsync(Task publishing)
    {
        await publishing.WaitAsync(s_pacing).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        while (!publishing.IsCompleted)
        {
            Relieve();
            await publishing.WaitAsync(s_holding).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }

        await publishing.ConfigureAwait(false);
    }
}
