using System.Diagnostics;
using System.Diagnostics.CodeAnalysis;
using Posix.SharedMemory.Threading;

namespace Posix.SharedMemory.Channels;

/// <summary>The publisher's end of a frame channel: one call at a time, and waits for slots and for room.</summary>
internal sealed unsafe class FrameSending : ChannelEnd
{
    /// <summary>What is waited for instead of a slot: room in the rings of subscribers for which sending waits.</summary>
    private const int ForSending = -1;

    private readonly FrameDispatch _dispatch;
    private readonly SharedEventCount _readerWakes;
    private readonly byte* _line;
    private FrameWait? _wait;
    private Frame? _toSend;
    private Frame? _found;
    private int _wanted = ForSending;
    private long _waits;

    private FrameSending(Endpoint endpoint)
        : base(endpoint)
    {
        _readerWakes = endpoint.PeerWakes;
        _line = endpoint.Channel.First + ChannelLayout.WriterLine;
        _dispatch = new(this);
    }

    /// <summary>Gets how many readers the last sending reached.</summary>
    internal override long Found => _dispatch.Reached;

    internal int MaxLength => Header.MaxMessage;

    private FrameWait FrameWait => _wait ??= new(this, TakeFound, () => _dispatch.Reached);

    /// <summary>Begins to publish through an endpoint that was entered.</summary>
    internal static FrameSending Over(Endpoint endpoint)
    {
        FrameSending? sending = null;
        try
        {
            sending = new(endpoint);
            sending.TakeOver();
            return sending;
        }
        catch
        {
            if (sending is null)
            {
                endpoint.Close();
            }

            sending?.Dispose();
            throw;
        }
    }

    /// <summary>Loans a slot, if one is free.</summary>
    internal bool TryLoan(int length, [NotNullWhen(true)] out Frame? frame)
    {
        RequireLength(length);
        Begin(EndAct.Call);
        try
        {
            return _dispatch.TryLoan(length, out frame);
        }
        finally
        {
            Finish(EndAct.Call);
        }
    }

    /// <summary>Loans a slot, and blocks while none is free.</summary>
    internal Frame Loan(int length, TimeSpan? timeout)
    {
        var start = Stopwatch.GetTimestamp();
        var limit = timeout ?? Timeout.InfiniteTimeSpan;
        EndTimeout.Require(limit);
        Frame? frame;
        while (!TryLoan(length, out frame))
        {
            if (Wait(length, Left(limit, start)) == EndLook.Pending)
            {
                throw new TimeoutException($"No slot for {length} bytes became free within {timeout}.");
            }
        }

        return frame;
    }

    /// <summary>As <see cref="Loan"/>; no thread waits.</summary>
    internal ValueTask<Frame> LoanAsync(int length, CancellationToken cancellationToken)
    {
        if (cancellationToken.IsCancellationRequested)
        {
            return ValueTask.FromCanceled<Frame>(cancellationToken);
        }

        if (TryLoan(length, out var frame))
        {
            return new(frame);
        }

        Begin(EndAct.Wait);
        CountWait();
        _wanted = length;
        return new(FrameWait, FrameWait.Start(length, cancellationToken));
    }

    /// <summary>Sends a frame, if there is room for it in the rings of all subscribers for which sending waits.</summary>
    /// <returns>How many subscribers it was sent to; −1: there was no room, and nothing was sent.</returns>
    internal int TrySend(Frame frame)
    {
        RequireLoaned(frame);
        Begin(EndAct.Call);
        try
        {
            return TryPut(frame) ? _dispatch.Reached : -1;
        }
        finally
        {
            Finish(EndAct.Call);
        }
    }

    /// <summary>Sends a frame, and blocks while there is no room.</summary>
    internal int Send(Frame frame, TimeSpan timeout)
    {
        EndTimeout.Require(timeout);
        var start = Stopwatch.GetTimestamp();
        int reached;
        while ((reached = TrySend(frame)) < 0)
        {
            if (Wait(ForSending, Left(timeout, start)) == EndLook.Pending)
            {
                throw new TimeoutException($"A reader that frames wait for took none within {timeout}.");
            }
        }

        return reached;
    }

    /// <summary>As <see cref="Send"/>; no thread waits.</summary>
    internal ValueTask<int> SendAsync(Frame frame, CancellationToken cancellationToken)
    {
        if (cancellationToken.IsCancellationRequested)
        {
            return ValueTask.FromCanceled<int>(cancellationToken);
        }

        if (TrySend(frame) is >= 0 and var reached)
        {
            return new(reached);
        }

        Begin(EndAct.Wait);
        CountWait();
        _toSend = frame;
        return new(FrameWait, FrameWait.Start(ForSending, cancellationToken));
    }

    /// <summary>How many slots are free now that are long enough.</summary>
    internal int CountFree(int length)
    {
        RequireLength(length);
        Begin(EndAct.Call);
        try
        {
            return _dispatch.CountFree(length);
        }
        finally
        {
            Finish(EndAct.Call);
        }
    }

    /// <summary>Those that were ever opened.</summary>
    internal EndpointInfo[] Describe() => EndpointView.DescribeReached(Endpoint.Peers.Where(place => place.Generation != 0));

    /// <summary>Has back what a subscriber holds. Any thread may call it.</summary>
    internal void Evict(int endpoint)
    {
        RefuseIfClosed();
        _dispatch.Evict(endpoint);
        Endpoint.Notify();
    }

    /// <summary>Ends the channel: subscribers read what was sent, and then see the end.</summary>
    internal void Complete(int error)
    {
        Begin(EndAct.Completed);
        ChannelCompletion.Store(_line, error);
        Endpoint.Notify();
    }

    /// <summary>A loan was given back, on any thread: this end may wait for a slot on another one.</summary>
    internal void OnReturn()
    {
        if (Act is not (EndAct.Disposed or EndAct.Corrupt))
        {
            Endpoint.Wakes.NotifyAll();
        }
    }

    internal override void FinishWait()
    {
        (_toSend, _wanted) = (null, ForSending);
        if (_found is null)
        {
            base.FinishWait();
        }
    }

    internal override void Dispose()
    {
        base.Dispose();
        _dispatch.Close();
    }

    protected override void OnCorrupt(ChannelCorruptException corruption) => _dispatch.EndLoans();

    protected override bool Poll(int length) => length == ForSending ? _dispatch.HasRoom() : _dispatch.HasSlot(length);

    // No subscriber ends a channel: others may come.
    protected override bool HasEnded() => false;

    protected override (uint Generation, PeerState State) LookAtPeer() => (0, PeerState.Alive);

    protected override bool TryDeliver()
    {
        if (_wanted != ForSending)
        {
            return _dispatch.TryLoan(_wanted, out _found);
        }

        if (_toSend is not { } frame)
        {
            return true;
        }

        RequireLoaned(frame);
        return TryPut(frame);
    }

    protected override void CountWait() =>
        // SAFETY: the line lies in the bytes that the channel holds.
        Volatile.Write(ref *(long*)(_line + ChannelLayout.WaitsInLine), ++_waits);

    private static TimeSpan Left(TimeSpan limit, long start)
    {
        if (limit == Timeout.InfiniteTimeSpan)
        {
            return limit;
        }

        var left = limit - Stopwatch.GetElapsedTime(start);
        return left < TimeSpan.Zero ? TimeSpan.Zero : left;
    }

    private void RequireLength(int length)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(length);
        if (length > MaxLength)
        {
            throw new ArgumentException($"The frame has {length} bytes, and the longest that this channel carries has {MaxLength}.", nameof(length));
        }
    }

    private void RequireLoaned(Frame frame)
    {
        ArgumentNullException.ThrowIfNull(frame);
        if (!frame.IsOf(_dispatch))
        {
            throw new ArgumentException("The frame was not loaned from this writer.", nameof(frame));
        }

        frame.RequireUse();
    }

    private bool TryPut(Frame frame)
    {
        if (!_dispatch.TrySend(frame))
        {
            return false;
        }

        _readerWakes.NotifyAll();
        return true;
    }

    /// <summary>The loan that was waited for is taken by the first that asks. The act ends with that, as in <see cref="FrameTaking"/>.</summary>
    private Frame TakeFound()
    {
        var frame = Interlocked.Exchange(ref _found, null) ?? throw FrameWait.WasAwaited();
        Finish(EndAct.Wait);
        return frame;
    }

    private void TakeOver()
    {
        // SAFETY: the line lies in the bytes that the channel holds.
        if (Volatile.Read(ref *(uint*)(_line + ChannelLayout.StateInLine)) != 0)
        {
            throw FrameChannel.WasCompleted(Endpoint.Channel);
        }

        if (!_dispatch.IsFresh)
        {
            throw Corrupt("the writer's line or a subscriber's block", ChannelLayout.WriterLine, "is not that of a channel without a former writer");
        }

        _dispatch.CountFree(0);
        Endpoint.Occupy();
    }
}
