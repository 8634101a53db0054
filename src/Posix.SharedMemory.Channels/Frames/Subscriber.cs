namespace Posix.SharedMemory.Channels;

/// <summary>
/// One subscriber as its publisher sees it. What was sent to it, and what it has not returned, stands in the publisher's own memory: what the subscriber stores is checked against
/// that, and if it does not fit, the subscriber is evicted. The model is tests/models/frames.pml.
/// </summary>
internal sealed class Subscriber
{
    private readonly EndpointView _place;
    private readonly SubscriberRings _rings;
    private readonly FramePool _pool;
    private readonly ulong[] _sent;
    private readonly ulong _bit;
    private readonly int _depth;
    private ulong _sentTail;
    private ulong _sentHead;
    private ulong _returnHead;
    private uint _generation;
    private bool _isEvicted;

    internal Subscriber(ChannelMemory channel, EndpointView place, FramePool pool)
    {
        (_place, _pool) = (place, pool);
        _rings = new(channel, place.Index);
        _sent = new ulong[_rings.SentCapacity];
        _bit = 1UL << (place.Index - 1);
        _depth = channel.Header.Frames.Depth;
        // A former publisher never sent anything: otherwise this object would not have another one.
        _sentTail = Volatile.Read(ref _rings.SentTail);
        _sentHead = Volatile.Read(ref _rings.SentHead);
        _returnHead = Volatile.Read(ref _rings.ReturnHead);
    }

    internal EndpointView Place => _place;

    /// <summary>Gets whether nothing is sent to it any more, until its process has ended or left.</summary>
    internal bool IsEvicted => _isEvicted;

    /// <summary>Gets the indices that a new channel has: none was used.</summary>
    internal bool IsFresh => (_sentTail, _sentHead, _returnHead) == (0, 0, 0);

    /// <summary>Looks after it: what it has returned is free again, and what it had when it died or left.</summary>
    /// <returns>How frames are sent to it; 0: it has not joined, or is gone.</returns>
    /// <exception cref="InvalidDataException">The place or the roster was overwritten; and others of <see cref="EndpointView.LookAndConfirm"/>.</exception>
    internal uint Tend()
    {
        // SYNC frames.join: pairs with Subscription.TryJoin. One that has a mode has its rings in order, and its generation is there.
        var mode = Volatile.Read(ref _place.Mode);
        if (mode == 0 && !_isEvicted && _pool.IsFree(_bit) && !_place.Mutex.IsInconsistent)
        {
            return 0;
        }

        if (!_isEvicted)
        {
            Drain();
        }

        // SYNC frames.leave: pairs with Subscription.Leave. One that has left has returned what it could; the rest is settled.
        if (_place.Look() != PeerState.Alive)
        {
            Settle();
            return 0;
        }

        if (mode > EndpointView.EvictedSubscriber)
        {
            Evict();
        }

        return _isEvicted || mode == EndpointView.EvictedSubscriber ? 0 : mode;
    }

    /// <summary>Whether one more frame fits into its ring. One whose index cannot be is evicted.</summary>
    internal bool HasRoom() => TryLoadHead(out var head) && _sentTail - head < (uint)_depth;

    /// <summary>Sends it a frame, if it has joined and has room, or drops the oldest that waits.</summary>
    /// <returns>Whether it was sent.</returns>
    internal bool TrySend(uint mode, FrameEntry entry, ulong sequence)
    {
        var generation = _place.Generation;
        if (generation != _generation)
        {
            // What was sent before, it did not miss.
            _generation = generation;
            Volatile.Write(ref _place.FirstSequence, sequence);
        }

        for (var attempt = 0; !HasRoom(); attempt++)
        {
            if (_isEvicted || mode != EndpointView.DropOldestMode)
            {
                return false;
            }

            if (attempt == SubscriberRings.MostAttempts)
            {
                // One attempt makes room, or the subscriber has just made it: only a hostile one moves the index so often.
                Evict();
                return false;
            }

            DropOldest();
        }

        _sent[_sentTail & (_rings.SentCapacity - 1)] = entry.Value;
        _pool.Hold(entry.Slot, _bit);
        Volatile.Write(ref _rings.Sent(_sentTail), entry.Value);
        KillWindow.Pass(KillWindow.AfterEntry);
        // SYNC frames.send: pairs with Subscription.TryTake. A subscriber that sees the tail sees the entry, the slot's header, and the frame.
        Volatile.Write(ref _rings.SentTail, ++_sentTail);
        KillWindow.Pass(KillWindow.AfterPush);
        return true;
    }

    /// <summary>Whether frames are sent to it, or it has not returned one: what its place shows is its own to store, and it may be stopped while it leaves.</summary>
    internal bool HasAnything()
    {
        if (Volatile.Read(ref _place.Mode) is EndpointView.DropOldestMode or EndpointView.DropNewestMode or EndpointView.WaitMode)
        {
            return true;
        }

        if (!_isEvicted)
        {
            Drain();
        }

        return !_pool.IsFree(_bit);
    }

    /// <summary>Sends it nothing more, and has back at once what it held. Whatever it returns is ignored until its process has ended or left.</summary>
    internal void Evict()
    {
        _isEvicted = true;
        Interlocked.Exchange(ref _place.Mode, EndpointView.EvictedSubscriber);
        _pool.ReleaseAll(_bit);
    }

    /// <summary>Takes back what it has returned.</summary>
    private void Drain()
    {
        // SYNC frames.return: pairs with Subscription.Return. The entries before the tail are there, and the subscriber reads their frames no more.
        var tail = Volatile.Read(ref _rings.ReturnTail);
        if (tail - _returnHead > _rings.ReturnCapacity)
        {
            Evict();
            return;
        }

        if (tail == _returnHead)
        {
            return;
        }

        while (_returnHead != tail)
        {
            if (!_pool.TryRelease(new(Volatile.Read(ref _rings.Returned(_returnHead))), _bit))
            {
                Evict();
                return;
            }

            _returnHead++;
        }

        Volatile.Write(ref _rings.ReturnHead, _returnHead);
    }

    /// <summary>Loads its index once: it never falls, and never passes the tail.</summary>
    private bool TryLoadHead(out ulong head)
    {
        head = Volatile.Read(ref _rings.SentHead);
        if (head < _sentHead || head > _sentTail)
        {
            Evict();
            return false;
        }

        _sentHead = head;
        return true;
    }

    private void DropOldest()
    {
        // SYNC frames.take: pairs with Subscription.TryTake. Each entry comes out once, here or there.
        if (TryLoadHead(out var head) && head != _sentTail && Interlocked.CompareExchange(ref _rings.SentHead, head + 1, head) == head)
        {
            KillWindow.Pass(KillWindow.AfterDropping);
            _sentHead = head + 1;
            _pool.TryRelease(new(_sent[head & (_rings.SentCapacity - 1)]), _bit);
        }
    }

    /// <summary>Has back all that one had which died or left, and puts its rings in order. Only under its mutex: another one may have come meanwhile.</summary>
    private void Settle()
    {
        if (!_place.Mutex.TryEnterUnrepaired(out var hold))
        {
            return;
        }

        // SYNC frames.settle: pairs with Subscription.TryJoin. The end of a dead owner was confirmed; nobody stores into the rings.
        using (hold)
        {
            if (!_isEvicted)
            {
                // Before the bits are cleared: an entry that stayed would be taken for one of the next subscriber.
                Drain();
            }

            KillWindow.Pass(KillWindow.InSettling);
            _pool.ReleaseAll(_bit);
            Volatile.Write(ref _rings.SentTail, _sentTail);
            Volatile.Write(ref _rings.SentHead, _sentHead = _sentTail);
            Volatile.Write(ref _rings.ReturnTail, _returnHead);
            Volatile.Write(ref _rings.ReturnHead, _returnHead);
            Volatile.Write(ref _place.Mode, 0);
            _isEvicted = false;
            if (hold.OwnerDied)
            {
                hold.MarkConsistent();
            }
        }
    }
}
