using System.Diagnostics;
using System.Diagnostics.CodeAnalysis;
using System.Runtime.CompilerServices;
using Posix.SharedMemory.Threading;

namespace Posix.SharedMemory.Channels;

/// <summary>The publisher of a frame channel: loans slots, sends them to all subscribers, and takes back what they return. The model is tests/models/frames.pml.</summary>
internal sealed unsafe class FrameSending : ChannelEnd, IFrameKeeper
{
    /// <summary>What is waited for instead of a slot: room in the rings of subscribers for which sending waits.</summary>
    private const int ForSending = -1;

    private readonly FramePool _pool;
    private readonly FrameSlots _slots;
    private readonly Frame?[] _frames;
    private readonly Subscriber[] _subscribers;
    private readonly SharedEventCount _readerWakes;
    private readonly Lock _gate = new();
    private readonly byte* _line;
    private readonly byte* _headers;
    private FrameWait? _wait;
    private Frame? _toSend;
    private Frame? _found;
    private int _wanted = ForSending;
    private ulong _sequence;
    private long _bytes;
    private long _waits;
    private int _reached;

    private FrameSending(Endpoint endpoint)
        : base(endpoint)
    {
        var layout = Header.Frames;
        _pool = new(layout);
        _slots = new(endpoint.Channel, FileAccess.ReadWrite);
        _frames = new Frame?[layout.Slots];
        _subscribers = [.. endpoint.Peers.Select(place => new Subscriber(endpoint.Channel, place, _pool))];
        _readerWakes = endpoint.PeerWakes;
        _line = endpoint.Channel.First + ChannelLayout.WriterLine;
        _headers = endpoint.Channel.First + layout.HeadersOffset;
    }

    /// <summary>Gets how many readers the last sending reached.</summary>
    internal override long Found => _reached;

    internal int MaxLength => Header.MaxMessage;

    private FrameWait FrameWait => _wait ??= new(Pending, TakeFound, () => _reached);

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
            return TryTake(length, out frame);
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
        RequireTimeout(limit);
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
        return new(FrameWait, Pending.Start(length, cancellationToken));
    }

    /// <summary>Sends a frame, if there is room for it in the rings of all subscribers for which sending waits.</summary>
    /// <returns>How many subscribers it was sent to; −1: there was no room, and nothing was sent.</returns>
    internal int TrySend(Frame frame)
    {
        RequireLoaned(frame);
        Begin(EndAct.Call);
        try
        {
            return TryPut(frame) ? _reached : -1;
        }
        finally
        {
            Finish(EndAct.Call);
        }
    }

    /// <summary>Sends a frame, and blocks while there is no room.</summary>
    internal int Send(Frame frame, TimeSpan timeout)
    {
        RequireTimeout(timeout);
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
        return new(FrameWait, Pending.Start(ForSending, cancellationToken));
    }

    /// <summary>How many slots are free now that are long enough.</summary>
    internal int CountFree(int length)
    {
        RequireLength(length);
        Begin(EndAct.Call);
        try
        {
            lock (_gate)
            {
                TendAll();
                return _pool.CountFree(length);
            }
        }
        finally
        {
            Finish(EndAct.Call);
        }
    }

    /// <summary>Those that were ever opened.</summary>
    internal EndpointInfo[] Describe() => [.. Endpoint.Peers.Where(place => place.Generation != 0).Select(place => place.Describe())];

    /// <summary>Has back what a subscriber holds. Any thread may call it.</summary>
    internal void Evict(int endpoint)
    {
        RefuseIfClosed();
        var subscriber = Array.Find(_subscribers, subscriber => subscriber.Place.Index == endpoint)
            ?? throw new ArgumentOutOfRangeException(nameof(endpoint), endpoint, $"The readers of this channel are the endpoints 1 to {_subscribers.Length}.");
        lock (_gate)
        {
            if (Volatile.Read(ref subscriber.Place.Mode) is EndpointView.DropOldestMode or EndpointView.DropNewestMode or EndpointView.WaitMode)
            {
                subscriber.Evict();
            }
        }

        Endpoint.Notify();
    }

    /// <summary>Ends the channel: subscribers read what was sent, and then see the end.</summary>
    internal void Complete(int error)
    {
        Begin(EndAct.Completed);
        ChannelCompletion.Store(_line, error);
        Endpoint.Notify();
    }

    /// <summary>A frame that was not sent goes back to the pool.</summary>
    void IFrameKeeper.GiveBack(Frame frame)
    {
        lock (_gate)
        {
            if (Act is EndAct.Disposed or EndAct.Corrupt)
            {
                return;
            }

            _pool.EndLoan(frame.Slot);
            ShowUse();
        }

        // This end may wait for a slot, on another thread.
        Endpoint.Wakes.NotifyAll();
    }

    internal override void FinishWait()
    {
        (_toSend, _wanted) = (null, ForSending);
        base.FinishWait();
    }

    internal override void Dispose()
    {
        base.Dispose();
        EndFrames();
        _slots.Close();
    }

    protected override void OnCorrupt(ChannelCorruptException corruption) => EndFrames();

    protected override bool Poll(int length)
    {
        lock (_gate)
        {
            if (length == ForSending)
            {
                return HasRoom();
            }

            if (_pool.IsShort(length))
            {
                TendAll();
            }

            return _pool.CountFree(length) > 0;
        }
    }

    // No subscriber ends a channel: others may come.
    protected override bool HasEnded() => false;

    protected override (uint Generation, PeerState State) LookAtPeer() => (0, PeerState.Alive);

    protected override bool TryDeliver()
    {
        if (_wanted != ForSending)
        {
            return TryTake(_wanted, out _found);
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
        if (!frame.IsOf(this))
        {
            throw new ArgumentException("The frame was not loaned from this writer.", nameof(frame));
        }

        frame.RequireUse();
    }

    private bool TryTake(int length, [NotNullWhen(true)] out Frame? frame)
    {
        lock (_gate)
        {
            if (_pool.IsShort(length))
            {
                TendAll();
            }

            if (!_pool.TryLoan(length, out var slot, out var generation))
            {
                frame = null;
                return false;
            }

            ShowUse();
            frame = _frames[slot] ??= new(this, _slots, slot);
            frame.Lend(generation, length);
            return true;
        }
    }

    /// <summary>Sends a loaned frame, if there is room.</summary>
    private bool TryPut(Frame frame)
    {
        lock (_gate)
        {
            if (!HasRoom())
            {
                return false;
            }

            // Read before the frame ends.
            var (slot, length) = (frame.Slot, frame.Length);
            StoreHeader(frame, length);
            var entry = new FrameEntry(slot, frame.Generation);
            if (!frame.TryEnd())
            {
                throw new ObjectDisposedException(nameof(Frame), "The frame was disposed while it was sent.");
            }

            _reached = 0;
            foreach (var subscriber in _subscribers)
            {
                var mode = Tend(subscriber);
                if (mode != 0 && subscriber.TrySend(mode, entry, _sequence))
                {
                    _reached++;
                }
            }

            _sequence++;
            _bytes += length;
            // SAFETY: the line lies in the bytes that the channel holds.
            (*(ulong*)(_line + ChannelLayout.MessagesInLine), *(long*)(_line + ChannelLayout.BytesInLine)) = (_sequence, _bytes);
            // SAFETY: as above.
            Volatile.Write(ref *(ulong*)(_line + ChannelLayout.IndexInLine), _sequence);
            KillWindow.Pass(KillWindow.AfterFrameIsCounted);
            _pool.EndLoan(slot);
            ShowUse();
        }

        _readerWakes.NotifyAll();
        return true;
    }

    private void StoreHeader(Frame frame, int length)
    {
        // SAFETY: the header lies in the bytes that the channel holds, at a multiple of 8; no subscriber has the slot.
        ref var header = ref Unsafe.AsRef<SlotHeader>(_headers + ((long)frame.Slot * ChannelLayout.SlotHeaderSize));
        header.Sequence = _sequence;
        header.Timestamp = (ulong)(frame.Timestamp != 0 ? frame.Timestamp : Now());
        header.Length = (uint)length;
        header.Type = frame.Type;
        header.Generation = frame.Generation;
        header.User = frame.Header;
        KillWindow.Pass(KillWindow.AfterSlotHeader);
    }

    /// <summary>Nanoseconds of the clock that all processes share; the base library reads it.</summary>
    private static long Now() => Stopwatch.Frequency == 1_000_000_000 ? Stopwatch.GetTimestamp() : (long)(Stopwatch.GetTimestamp() * (1e9 / Stopwatch.Frequency));

    /// <summary>Whether every living subscriber for which sending waits can take one more frame.</summary>
    private bool HasRoom()
    {
        foreach (var subscriber in _subscribers)
        {
            if (Volatile.Read(ref subscriber.Place.Mode) == EndpointView.WaitMode && Tend(subscriber) == EndpointView.WaitMode && !subscriber.HasRoom() && !subscriber.IsEvicted)
            {
                return false;
            }
        }

        return true;
    }

    private void TendAll()
    {
        foreach (var subscriber in _subscribers)
        {
            Tend(subscriber);
        }

        ShowUse();
    }

    private uint Tend(Subscriber subscriber)
    {
        try
        {
            return subscriber.Tend();
        }
        catch (Exception e) when (e is InvalidDataException or RetiredException or LockLostException || (e is InvalidOperationException and not ObjectDisposedException))
        {
            throw Corrupt("the roster or an endpoint", subscriber.Place.Offset, $"was overwritten ({e.Message})");
        }
    }

    private void ShowUse() =>
        // SAFETY: the word lies in the control page, which the channel holds.
        Volatile.Write(ref *(long*)(Endpoint.Channel.First + ChannelLayout.SlotBytesInUseAt), _pool.BytesInUse);

    private void EndFrames()
    {
        foreach (var frame in _frames)
        {
            frame?.TryEnd();
        }
    }

    private Frame TakeFound()
    {
        var frame = _found!;
        _found = null;
        return frame;
    }

    private void TakeOver()
    {
        // SAFETY: the line lies in the bytes that the channel holds.
        if (Volatile.Read(ref *(uint*)(_line + ChannelLayout.StateInLine)) != 0)
        {
            throw FrameChannel.WasCompleted(Endpoint.Channel);
        }

        // SAFETY: as above.
        if (Volatile.Read(ref *(ulong*)(_line + ChannelLayout.IndexInLine)) != 0 || Array.Find(_subscribers, subscriber => !subscriber.IsFresh) is not null)
        {
            throw Corrupt("the writer's line or a subscriber's block", ChannelLayout.WriterLine, "is not that of a channel without a former writer");
        }

        TendAll();
        Endpoint.Occupy();
    }
}
