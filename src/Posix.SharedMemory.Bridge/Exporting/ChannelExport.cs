using System.Globalization;
using Posix.SharedMemory.Channels;

namespace Posix.SharedMemory.Bridge;

/// <summary>The export of one channel of this host: how it is announced, and when it ends. How its messages travel is in the classes below.</summary>
internal abstract class ChannelExport : IAsyncDisposable
{
    /// <summary>How often the writer of a channel without a name is looked at.</summary>
    private static readonly TimeSpan s_lookingWithoutName = TimeSpan.FromMilliseconds(200);

    private readonly ExportSource _source;
    private readonly SourceHeader _header;
    private readonly ChannelStatus _status;
    private readonly CancellationTokenSource _stop = new();
    private readonly CancellationTokenSource _nameLost;
    private readonly string _subject;
    private readonly int _chunk;
    private long _published;
    private Task _run = Task.CompletedTask;
    private volatile bool _isReplaced;

    protected ChannelExport(string name, SourceHeader header, ExportSource source, IBridgeBackend backend, BridgeOptions options, BridgeReports reports)
    {
        (_header, _source, Backend, Options) = (header, source, backend, options);
        Report = new(reports, name, BridgeDirection.Export);
        _nameLost = CancellationTokenSource.CreateLinkedTokenSource(_stop.Token);
        Stop = _stop.Token;
        Route = RouteOf(name, header, options);
        _subject = SubjectName.Encode(name);
        Subject = SubjectName.Messages + _subject;
        _status = ChannelStatus.TryRead(source.Memory) ?? throw new InvalidDataException("It is not a channel any more.");
        Window = new(header.Epoch, options.WindowBytes);
        _chunk = Math.Min(options.ChunkBytes, backend.MaxPayload - FrameLimits.HeaderRoom);
        _published = source.Next;
    }

    internal ChannelReport Report { get; }

    internal CreditWindow Window { get; }

    internal ulong Epoch => _header.Epoch;

    /// <summary>Gets whether nothing of the channel may be lost.</summary>
    internal bool IsDurable => Route.Delivery == BridgeDelivery.Durable;

    /// <summary>Gets whether the channel was completed, and that was published.</summary>
    internal bool IsCompleted => _run.IsCompleted && Completed is not null;

    /// <summary>Gets whether the export has ended, completed or not.</summary>
    internal bool HasEnded => _run.IsCompleted;

    protected IBridgeBackend Backend { get; }

    protected BridgeOptions Options { get; }

    protected BridgeRoute Route { get; }

    /// <summary>Gets what the messages are published to.</summary>
    protected string Subject { get; }

    /// <summary>Gets what is cancelled when the bridge stops, or the channel is replaced.</summary>
    protected CancellationToken Stop { get; }

    /// <summary>Gets the error that the channel was completed with; <see langword="null"/>: it was not completed.</summary>
    protected int? Completed { get; private set; }

    /// <summary>Gets whether the name refers to another channel now.</summary>
    protected bool IsReplaced => _isReplaced;

    /// <summary>Gets how many bytes are sent at once. Another server may take less than the one before.</summary>
    protected int Chunk => Math.Clamp(Backend.MaxPayload - FrameLimits.HeaderRoom, 1, _chunk);

    /// <summary>Becomes the reader of a channel.</summary>
    /// <exception cref="SharedMemoryException"><see cref="Errno.EBUSY"/>: another process reads it.</exception>
    /// <exception cref="InvalidOperationException">The name refers to another channel now.</exception>
    internal static ChannelExport Open(string name, SourceHeader header, IBridgeBackend backend, BridgeOptions options, BridgeReports reports)
    {
        var delivery = RouteOf(name, header, options).Delivery;
        var source = ExportSource.Open(options.NamePrefix + name, header, delivery);
        try
        {
            return delivery == BridgeDelivery.Durable && backend is IDurableBridgeBackend durable
                ? new DurableExport(name, header, source, durable, options, reports)
                : new StreamExport(name, header, source, backend, options, reports);
        }
        catch
        {
            source.Dispose();
            throw;
        }
    }

    internal void Start() => _run = Task.Run(RunAsync);

    internal Announcement Announce() => new()
    {
        Host = SubjectName.EncodeHost(Options.Host),
        Instance = HostInstance.Of(Options.NamePrefix),
        Channel = _subject,
        Kind = _header.Kind,
        Epoch = _header.Epoch.ToString("x16", CultureInfo.InvariantCulture),
        Capacity = _header.Capacity,
        Alignment = _header.Alignment,
        History = _header.Count,
        Ends = _header.Ends,
        ElementSize = _header.ElementSize,
        ElementAlignment = _header.ElementAlignment,
        Slots = (ChannelKind)_header.Kind == ChannelKind.Frames ? _header.Slots : null,
        SchemaId = _status.SchemaId,
        ContentType = _status.ContentType,
        Delivery = Route.Delivery,
        Chunk = IsDurable ? _chunk : 0,
        Next = Interlocked.Read(ref _published),
        Lost = Report.LostSoFar,
        Completed = IsCompleted ? Completed : null,
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

    /// <summary>The connection is new.</summary>
    internal virtual void Reconnect() => Window.Reset();

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync().ConfigureAwait(false);
        await _run.ConfigureAwait(false);
        _nameLost.Dispose();
        _stop.Dispose();
    }

    /// <summary>Publishes messages until the channel has ended.</summary>
    protected abstract Task CarryAsync();

    /// <summary>Releases what the export has beside the source.</summary>
    protected abstract void End();

    /// <summary>Everything before a sequence has been published, or is lost.</summary>
    protected void Published(long next) => Interlocked.Exchange(ref _published, next);

    /// <summary>The header of a part of a message.</summary>
    protected string Frame(long sequence, long offset, long total, ushort type) =>
        new FrameHeader(_header.Epoch, sequence, offset, total, type, (TimeProvider.System.GetUtcNow() - DateTimeOffset.UnixEpoch).Ticks * TimeSpan.NanosecondsPerTick).ToString();

    /// <summary>Of a latest value only the newest can be sent.</summary>
    private static BridgeRoute RouteOf(string name, SourceHeader header, BridgeOptions options)
    {
        var route = options.RouteOf(name);
        return (ChannelKind)header.Kind == ChannelKind.Latest ? route with { Delivery = BridgeDelivery.Latest } : route;
    }

    /// <summary>Waits for a message. False: the channel was completed, see <see cref="Completed"/>; or nothing can come any more.</summary>
    protected async ValueTask<bool> WaitForMessageAsync()
    {
        try
        {
            if (_source.IsValue ? await WaitForValueAsync().ConfigureAwait(false) : await _source.WaitToReadAsync(_nameLost.Token).ConfigureAwait(false))
            {
                return true;
            }

            Completed = 0;
        }
        catch (OperationCanceledException) when (!Stop.IsCancellationRequested)
        {
            return await WaitWithoutNameAsync().ConfigureAwait(false);
        }
        catch (ChannelException e) when (e.Error != 0)
        {
            Completed = e.Error;
        }

        return false;
    }

    /// <summary>Waits for another value, or for an importer that has not got the newest.</summary>
    private async ValueTask<bool> WaitForValueAsync()
    {
        while (true)
        {
            if (Window.TakeNewcomer())
            {
                _source.Again();
            }

            using var limit = CancellationTokenSource.CreateLinkedTokenSource(_nameLost.Token);
            limit.CancelAfter(FrameLimits.AnnounceMilliseconds);
            try
            {
                return await _source.WaitToReadAsync(limit.Token).ConfigureAwait(false);
            }
            catch (OperationCanceledException) when (!_nameLost.IsCancellationRequested)
            {
                // Another importer may have come.
            }
        }
    }

    /// <summary>As <see cref="WaitForMessageAsync"/>, where no other writer can come.</summary>
    private async ValueTask<bool> WaitWithoutNameAsync()
    {
        if (_source.Available > 0)
        {
            return true;
        }

        if (!_source.HasWriter)
        {
            return false;
        }

        await Task.Delay(s_lookingWithoutName, Stop).ConfigureAwait(false);
        return true;
    }

    private async Task RunAsync()
    {
        try
        {
            await CarryAsync().ConfigureAwait(false);
        }
        catch (OperationCanceledException) when (Stop.IsCancellationRequested)
        {
            // The bridge stops: what is in the ring stays there.
        }
        catch (Exception e) when (e is ChannelException or ObjectDisposedException or InvalidOperationException or InvalidDataException or SharedMemoryException)
        {
            Report.Refuse($"The channel cannot be read any more: {e.Message}");
        }
        finally
        {
            End();
            _source.Dispose();
            Window.Dispose();
        }
    }
}
