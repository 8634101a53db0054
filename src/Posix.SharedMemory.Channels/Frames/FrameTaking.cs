using System.Diagnostics.CodeAnalysis;
using Posix.SharedMemory.Threading;

namespace Posix.SharedMemory.Channels;

/// <summary>A subscriber of a frame channel: what it waits for, what it missed, and how it follows a publisher that was restarted to its new object.</summary>
internal sealed class FrameTaking : ReadingEnd
{
    /// <summary>How often a subscriber without a publisher looks under the name by itself: an object that took the name while nobody was notified is found that late.</summary>
    private static readonly TimeSpan s_betweenLooks = TimeSpan.FromSeconds(1);

    private readonly FrameReaderOptions _options;
    // Between Dispose, on any thread, and a move to the next object: the move ends before it, or not at all.
    private readonly Lock _moving = new();
    private Subscription _subscription;
    private FrameWait? _wait;
    private Frame? _found;
    private bool _isReading;
    private bool _isDisposed;
    private volatile bool _isOrphan;
    private long _missed;
    private long _missedHere;

    private FrameTaking(Endpoint endpoint, FrameReaderOptions options)
        : base(endpoint)
    {
        _options = options;
        _subscription = new(endpoint);
    }

    /// <summary>Gets how many frames it missed.</summary>
    internal long Missed => Volatile.Read(ref _missed);

    internal int MaxLength => Header.MaxMessage;

    /// <summary>Gets how many frames wait for it.</summary>
    internal int Available
    {
        get
        {
            RefuseIfClosed();
            return _subscription.TryCount(out var waiting) ? (int)waiting : throw CorruptBlock("has indices that cannot be");
        }
    }

    /// <summary>Opens a reader.</summary>
    internal static FrameTaking Open(ChannelMemory channel, FrameReaderOptions? options)
    {
        var checkedOptions = FrameReaderOptions.Check(options);
        var endpoint = Endpoint.Enter(channel, EndpointRole.Reader, checkedOptions);
        FrameTaking? taking = null;
        try
        {
            taking = new(endpoint, checkedOptions);
            taking.Join(endpoint, taking._subscription);
            return taking;
        }
        catch
        {
            taking?.Dispose();
            endpoint.Close();
            throw;
        }
    }

    /// <summary>Takes the next frame.</summary>
    internal bool TryRead([NotNullWhen(true)] out Frame? frame)
    {
        Begin(EndAct.Call);
        try
        {
            return TryTake(out frame);
        }
        finally
        {
            Finish(EndAct.Call);
        }
    }

    /// <summary>Waits for the next frame, and takes it.</summary>
    internal ValueTask<Frame> ReadAsync(CancellationToken cancellationToken)
    {
        if (cancellationToken.IsCancellationRequested)
        {
            return ValueTask.FromCanceled<Frame>(cancellationToken);
        }

        if (TryRead(out var frame))
        {
            return new(frame);
        }

        Begin(EndAct.Wait);
        CountWait();
        _isReading = true;
        _wait ??= new(this, TakeFound, () => 0);
        return new(_wait, _wait.Start(0, cancellationToken));
    }

    internal override void FinishWait()
    {
        _isReading = false;
        if (_found is null)
        {
            base.FinishWait();
        }
    }

    internal override void Dispose()
    {
        lock (_moving)
        {
            _isDisposed = true;
        }

        _subscription.Leave();
        base.Dispose();
    }

    /// <summary>An evicted subscriber gets nothing more: its task fails.</summary>
    internal override void OnChange()
    {
        base.OnChange();
        if (Volatile.Read(ref _subscription) is { IsEvicted: true })
        {
            Ending.Fail(Eviction());
        }
    }

    protected override void OnCorrupt(ChannelCorruptException corruption)
    {
        _subscription.Abandon();
        base.OnCorrupt(corruption);
    }

    protected override bool Poll(int length)
    {
        if (_subscription.IsEvicted)
        {
            throw Eviction();
        }

        return _subscription.TryCount(out var waiting) ? waiting != 0 : throw CorruptBlock("has indices that cannot be");
    }

    protected override bool IsDrained() => Volatile.Read(ref _subscription).TryCount(out var waiting) && waiting == 0;

    // Frames are returned by themselves, not by the end.
    protected override void PassBorrowed()
    {
    }

    protected override bool TryDeliver()
    {
        if (!_isReading)
        {
            return true;
        }

        // What throws leaves nothing found.
        var isTaken = TryTake(out var frame);
        _found = frame;
        return isTaken;
    }

    protected override void RefuseEnd()
    {
        if (_isReading)
        {
            throw new InvalidOperationException("The writer has completed the channel, and every frame was read.");
        }
    }

    protected override TimeSpan Bound(TimeSpan left) => !_isOrphan || (left < s_betweenLooks && left != Timeout.InfiniteTimeSpan) ? left : s_betweenLooks;

    protected override ValueTask WaitForWakeAsync(SharedEventCount wakes, EventCountKey key, CancellationToken cancellationToken) =>
        _isOrphan ? WaitForSuccessorAsync(wakes, key, cancellationToken) : wakes.WaitAsync(key, cancellationToken);

    /// <summary>A reader that was there first has found no publisher: the first one of this object ends that too.</summary>
    protected override (uint Generation, PeerState State) LookAtPeer()
    {
        var look = base.LookAtPeer();
        if (look.State == PeerState.Alive)
        {
            _isOrphan = false;
        }

        return look;
    }

    /// <summary>Moves to the object of the next publisher, if the name has another one by now.</summary>
    protected override void Follow()
    {
        _isOrphan = Endpoint.Channel.Memory.Name is not null;
        if (!_isOrphan || FrameSuccession.TryOpen(Endpoint.Channel) is not { } next)
        {
            return;
        }

        // SYNC frames.follow: pairs with FrameSuccession.Succeed. A publisher may have come, sent, and gone since the look at it: the one that has the name by now came after all that it sent.
        if (!IsDrained())
        {
            next.Release();
            return;
        }

        Endpoint? endpoint = null;
        Subscription subscription;
        try
        {
            endpoint = Endpoint.Enter(next, EndpointRole.Reader, _options);
            subscription = new(endpoint);
            Join(endpoint, subscription);
        }
        catch
        {
            endpoint?.Close();
            throw;
        }
        finally
        {
            next.Release();
        }

        lock (_moving)
        {
            if (!_isDisposed)
            {
                var former = _subscription;
                Volatile.Write(ref _subscription, subscription);
                _missedHere = 0;
                _isOrphan = false;
                former.Detach();
                Ending.MoveTo(endpoint.Channel);
                MoveTo(endpoint);
                return;
            }
        }

        subscription.Leave();
        endpoint.Close();
        throw new ObjectDisposedException(nameof(FrameReader));
    }

    private static async ValueTask WaitForSuccessorAsync(SharedEventCount wakes, EventCountKey key, CancellationToken cancellationToken)
    {
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        limit.CancelAfter(s_betweenLooks);
        try
        {
            await wakes.WaitAsync(key, limit.Token).ConfigureAwait(false);
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            // It looks again.
        }
        catch (OperationCanceledException)
        {
            throw new OperationCanceledException(cancellationToken);
        }
    }

    private void Join(Endpoint endpoint, Subscription subscription)
    {
        var mode = _options.Overflow switch
        {
            FrameOverflow.DropOldest => EndpointView.DropOldestMode,
            FrameOverflow.DropNewest => EndpointView.DropNewestMode,
            _ => EndpointView.WaitMode,
        };
        if (!subscription.TryJoin(endpoint, mode))
        {
            subscription.Abandon();
            throw endpoint == Endpoint ? CorruptBlock("has indices that cannot be")
                : new ChannelCorruptException("a subscriber's block", subscription.Offset, "has indices that cannot be");
        }

        if (Volatile.Read(ref endpoint.Own.Mode) != mode)
        {
            subscription.Leave();
            throw Eviction();
        }
    }

    private bool TryTake([NotNullWhen(true)] out Frame? frame)
    {
        if (_subscription.IsEvicted)
        {
            throw Eviction();
        }

        if (!_subscription.TryRead(out frame, out var missed, out var wrong))
        {
            // What an evicted subscriber sees may be of a later frame: the publisher stored the eviction before it, so the mode is loaded after it.
            Volatile.ReadBarrier();
            return wrong is null ? false : throw (_subscription.IsEvicted ? Eviction() : CorruptBlock(wrong));
        }

        if (missed != 0)
        {
            Volatile.Write(ref _missed, _missed + missed);
            _subscription.ShowMissed(_missedHere += missed);
        }

        EndIfEnding();
        return true;
    }

    /// <summary>The frame that was waited for is taken by the first that asks. The act ends with that: a call that began before would put another frame in its place.</summary>
    private Frame TakeFound()
    {
        var frame = Interlocked.Exchange(ref _found, null) ?? throw FrameWait.WasAwaited();
        Finish(EndAct.Wait);
        return frame;
    }

    private ChannelCorruptException CorruptBlock(string found) => Corrupt("a subscriber's ring", _subscription.Offset, found);

    private ChannelException Eviction() =>
        new($"The writer of {Endpoint.Channel.Subject} has evicted this reader: it sends it nothing more, and uses again what it held. Open another reader.");
}
