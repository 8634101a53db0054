using System.Diagnostics;
using System.Globalization;
using Posix.SharedMemory.Channels;

namespace Posix.SharedMemory.Bridge;

/// <summary>Reads one message channel of this host and publishes its messages.</summary>
internal sealed class ChannelExport : IAsyncDisposable
{
    /// <summary>How long the first messages wait for importers, which answer an announcement.</summary>
    private static readonly TimeSpan s_joining = TimeSpan.FromSeconds(1);

    /// <summary>How long a message waits for the engine before it is given up.</summary>
    private static readonly TimeSpan s_publishing = TimeSpan.FromSeconds(2);

    /// <summary>How long the local writer may wait for a publication: a network that is only slower than it sets its pace, and one that takes nothing does not.</summary>
    private static readonly TimeSpan s_pacing = TimeSpan.FromMilliseconds(250);

    /// <summary>How often the ring is looked at while nothing may be sent.</summary>
    private static readonly TimeSpan s_holding = TimeSpan.FromMilliseconds(5);

    /// <summary>How often the writer of a channel without a name is looked at.</summary>
    private static readonly TimeSpan s_lookingWithoutName = TimeSpan.FromMilliseconds(200);

    private readonly IBridgeBackend _backend;
    private readonly BridgeOptions _options;
    private readonly BridgeRoute _route;
    private readonly MessageChannel _channel;
    private readonly MessageReader _reader;
    private readonly SequenceLine _line;
    private readonly RingPressure _pressure;
    private readonly SourceHeader _header;
    private readonly ChannelStatus _status;
    private readonly CancellationTokenSource _stop = new();
    private readonly MessageTaker _taker;
    private readonly string _subject;
    private readonly int _chunk;
    private CancellationTokenSource _limit = new();
    private long _published;
    private (long First, long Last) _dropped;
    private int? _completed;
    private Task _run = Task.CompletedTask;
    private long _sentAt;
    private readonly CancellationTokenSource _nameLost;
    private volatile bool _isReplaced;

    private ChannelExport(
        string name, SourceHeader header, IBridgeBackend backend, BridgeOptions options, BridgeReports reports, MessageChannel channel, MessageReader reader, SequenceLine line, RingPressure pressure)
    {
        (_header, _backend, _options, _channel, _reader, _line, _pressure) = (header, backend, options, channel, reader, line, pressure);
        Report = new(reports, name, BridgeDirection.Export);
        _nameLost = CancellationTokenSource.CreateLinkedTokenSource(_stop.Token);
        _route = options.RouteOf(name);
        _subject = SubjectName.Encode(name);
        _status = channel.GetStatus();
        Window = new(header.Epoch, options.WindowBytes);
        _chunk = Math.Min(options.ChunkBytes, backend.MaxPayload - FrameLimits.HeaderRoom);
        _taker = new(reader, line, _chunk);
        _published = _taker.Next;
    }

    internal ChannelReport Report { get; }

    private bool MaySend => _backend.IsConnected && Window.IsOpen;

    private bool IsEarly => _route.MaxRate > 0 && _sentAt != 0 && Stopwatch.GetElapsedTime(_sentAt).TotalSeconds < 1 / _route.MaxRate;

    internal CreditWindow Window { get; }

    internal ulong Epoch => _header.Epoch;

    /// <summary>Gets whether the channel was completed, and that was published.</summary>
    internal bool IsCompleted => _run.IsCompleted && _completed is not null;

    /// <summary>Gets whether the export has ended, completed or not.</summary>
    internal bool HasEnded => _run.IsCompleted;

    /// <summary>Becomes the reader of a channel.</summary>
    /// <exception cref="SharedMemoryException"><see cref="Errno.EBUSY"/>: another process reads it.</exception>
    /// <exception cref="InvalidOperationException">The name refers to another channel now.</exception>
    internal static ChannelExport Open(string name, SourceHeader header, IBridgeBackend backend, BridgeOptions options, BridgeReports reports)
    {
        var channel = MessageChannel.Open(options.NamePrefix + name);
        MessageReader? reader = null;
        SequenceLine? line = null;
        RingPressure? pressure = null;
        try
        {
            if (SourceHeader.TryRead(channel.Memory) is not { } now || now.Epoch != header.Epoch)
            {
                throw new InvalidOperationException("It was replaced while it was opened.");
            }

            reader = channel.OpenReader(new() { Label = "bridge", Restart = PeerRestart.Wait });
            line = new(channel.Memory);
            pressure = new(channel.Memory, header.Capacity);
            return new(name, header, backend, options, reports, channel, reader, line, pressure);
        }
        catch
        {
            pressure?.Dispose();
            line?.Dispose();
            reader?.Dispose();
            channel.Dispose();
            throw;
        }
    }

    internal void Start() => _run = Task.Run(RunAsync);

    internal Announcement Announce() => new()
    {
        Host = SubjectName.EncodeHost(_options.Host),
        Channel = _subject,
        Kind = FrameLimits.MessageKind,
        Epoch = _header.Epoch.ToString("x16", CultureInfo.InvariantCulture),
        Capacity = _header.Capacity,
        Alignment = _header.Alignment,
        SchemaId = _status.SchemaId,
        ContentType = _status.ContentType,
        Delivery = _route.Delivery,
        Next = Interlocked.Read(ref _published),
        Completed = IsCompleted ? _completed : null,
    };

    /// <summary>Ends the export, since its name refers to another channel now: what is still in the ring is lost.</summary>
    internal void Replace()
    {
        _isReplaced = true;
        _stop.Cancel();
    }

    /// <summary>The name is gone: the export ends when the ring is empty and its writer has gone too.</summary>
    internal void LoseName()
    {
        if (!_nameLost.IsCancellationRequested)
        {
            _nameLost.Cancel();
        }
    }

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync().ConfigureAwait(false);
        await _run.ConfigureAwait(false);
        _nameLost.Dispose();
        _stop.Dispose();
    }

    private async Task RunAsync()
    {
        try
        {
            var start = Stopwatch.GetTimestamp();
            while (Window.Importers == 0 && Stopwatch.GetElapsedTime(start) < s_joining && _pressure.MayStay(_reader.Available) == _reader.Available)
            {
                await Window.WaitAsync(s_holding, _stop.Token).ConfigureAwait(false);
            }

            while (await WaitAsync().ConfigureAwait(false))
            {
                await SendAsync().ConfigureAwait(false);
            }
        }
        catch (OperationCanceledException) when (_stop.IsCancellationRequested)
        {
            // The bridge stops: what is in the ring stays there.
        }
        catch (Exception e) when (e is ChannelException or ObjectDisposedException or InvalidOperationException)
        {
            Report.Refuse($"The channel cannot be read any more: {e.Message}");
        }
        finally
        {
            if (_isReplaced)
            {
                Drop(mayStay: 0);
            }

            _pressure.Dispose();
            _line.Dispose();
            _reader.Dispose();
            _channel.Dispose();
            Window.Dispose();
            _limit.Dispose();
            _taker.Dispose();
        }
    }

    /// <summary>Waits for a message. False: the channel was completed, and that was published; or nothing can come any more.</summary>
    private async ValueTask<bool> WaitAsync()
    {
        if (_backend.IsConnected && _reader.Available == 0)
        {
            await TellDroppedAsync().ConfigureAwait(false);
        }

        try
        {
            if (await _reader.WaitToReadAsync(_nameLost.Token).ConfigureAwait(false))
            {
                return true;
            }

            _completed = 0;
        }
        catch (OperationCanceledException) when (!_stop.IsCancellationRequested)
        {
            return await WaitWithoutNameAsync().ConfigureAwait(false);
        }
        catch (ChannelException e) when (e is not (ChannelCorruptException or PeerDiedException or PeerLeftException))
        {
            _completed = e.Error;
        }

        await TellDroppedAsync().ConfigureAwait(false);
        var end = _completed!.Value.ToString(CultureInfo.InvariantCulture);
        await TryPublishAsync(new() { Frame = Frame(_taker.Next - 1, 0, 0, 0), End = end }, default).ConfigureAwait(false);
        return false;
    }

    /// <summary>As <see cref="WaitAsync"/>, where no other writer can come.</summary>
    private async ValueTask<bool> WaitWithoutNameAsync()
    {
        if (_reader.Available > 0)
        {
            return true;
        }

        if (_reader.Writer != PeerState.Alive)
        {
            return false;
        }

        await Task.Delay(s_lookingWithoutName, _stop.Token).ConfigureAwait(false);
        return true;
    }

    private async ValueTask SendAsync()
    {
        if (_route.Delivery == BridgeDelivery.Latest)
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
            if (_taker.TryTake(_options.BatchDelay))
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

        while ((!MaySend || IsEarly) && !_stop.IsCancellationRequested)
        {
            await Window.WaitAsync(s_holding, CancellationToken.None).ConfigureAwait(false);
            _taker.TryTakeNewest();
        }

        if (_backend.IsConnected)
        {
            _sentAt = Stopwatch.GetTimestamp();
            await PublishTakenAsync(_taker.Next - 1).ConfigureAwait(false);
        }
    }

    /// <summary>While nothing may be sent, the messages stay in the ring, as far as its writer does not need the room.</summary>
    private Task HoldAsync()
    {
        Relieve();
        return Window.WaitAsync(s_holding, _stop.Token);
    }

    /// <summary>Drops the oldest messages where the writer would have to wait otherwise.</summary>
    private void Relieve() => Drop(_pressure.MayStay(_reader.Available));

    private void Drop(long mayStay)
    {
        var dropped = _taker.DropOldest(mayStay);
        if (dropped.First > 0 && _route.Delivery != BridgeDelivery.Latest)
        {
            Report.Lost(dropped.First, dropped.Last, LossPlace.LocalRing);
            _dropped = (_dropped.First > 0 ? _dropped.First : dropped.First, dropped.Last);
        }
    }

    /// <summary>Publishes which messages were dropped, so that importers know where they were lost.</summary>
    private async ValueTask TellDroppedAsync()
    {
        if (_dropped.First > 0)
        {
            var (first, last) = _dropped;
            _dropped = default;
            await TryPublishAsync(new() { Frame = Frame(last, 0, 0, 0), Lost = string.Create(CultureInfo.InvariantCulture, $"{first} {last}") }, default).ConfigureAwait(false);
            Interlocked.Exchange(ref _published, last + 1);
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
                var part = payload.Slice(offset, Math.Min(Math.Clamp(_backend.MaxPayload - FrameLimits.HeaderRoom, 1, _chunk), payload.Length - offset));
                isSent = await TryPublishAsync(new() { Frame = Frame(first, offset, payload.Length, _taker.Type) }, part).ConfigureAwait(false);
                offset += part.Length;
            }
            while (isSent && offset < payload.Length);
        }

        Interlocked.Exchange(ref _published, last + 1);
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
            await RelieveWhileAsync(_backend.PublishAsync(SubjectName.Messages + _subject, headers, payload, _limit.Token)).ConfigureAwait(false);
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

    private string Frame(long sequence, long offset, long total, ushort type) =>
        new FrameHeader(_header.Epoch, sequence, offset, total, type, (TimeProvider.System.GetUtcNow() - DateTimeOffset.UnixEpoch).Ticks * TimeSpan.NanosecondsPerTick).ToString();
}
