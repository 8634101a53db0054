using System.Diagnostics.CodeAnalysis;
using System.Runtime.CompilerServices;
using Posix.SharedMemory.Threading;

namespace Posix.SharedMemory.Channels;

/// <summary>A subscriber's part in one object: it takes frames out of its ring, reads them where they are, and returns them. The model is tests/models/frames.pml.</summary>
internal sealed unsafe class Subscription : IFrameKeeper
{
    private readonly FrameLayout _layout;
    private readonly FrameSlots _slots;
    private readonly FrameRotation _rotation;
    // The last frame of each slot.
    private readonly Frame?[] _frames;
    // Which slots it holds. Changed inside the gate only: a frame that is being disposed is still held until it was returned.
    private readonly bool[] _isHeld;
    private readonly SubscriberRings _rings;
    private readonly EndpointView _own;
    private readonly SharedEventCount _publisherWakes;
    private readonly byte* _headers;
    private readonly Lock _gate = new();
    private ulong _head;
    private ulong _returnTail;
    private ulong? _expected;
    private bool _isClosed;

    internal Subscription(Endpoint endpoint)
    {
        _layout = endpoint.Channel.Header.Frames;
        _own = endpoint.Own;
        _rings = new(endpoint.Channel, endpoint.Index);
        _publisherWakes = endpoint.PeerWakes;
        _headers = endpoint.Channel.First + _layout.HeadersOffset;
        _frames = new Frame?[_layout.Slots];
        _isHeld = new bool[_layout.Slots];
        _slots = new(endpoint.Channel, FileAccess.Read);
        _rotation = new(this, _slots);
    }

    /// <summary>Gets where its block is in the object.</summary>
    internal long Offset => _rings.Offset;

    /// <summary>Gets whether the publisher has evicted it.</summary>
    internal bool IsEvicted => Volatile.Read(ref _own.Mode) == EndpointView.EvictedSubscriber;

    /// <summary>Looks how many frames wait for it.</summary>
    /// <returns>False: the indices cannot be.</returns>
    internal bool TryCount(out ulong waiting) => _rings.TryCount(out waiting);

    /// <summary>Takes part: what was sent to a former owner of the place goes back.</summary>
    /// <returns>False: the block holds what no correct process leaves there.</returns>
    internal bool TryJoin(Endpoint endpoint, uint mode)
    {
        // SYNC frames.settle: pairs with Subscriber.Settle. The mutex was entered, and no former owner had died inside: the publisher has put in order what one left.
        _returnTail = Volatile.Read(ref _rings.ReturnTail);
        _head = Volatile.Read(ref _rings.SentHead);
        if (!TryCount(out _) || _returnTail - Volatile.Read(ref _rings.ReturnHead) > _rings.ReturnCapacity || !TryReturnWaiting())
        {
            // Nobody else takes the place until the publisher has put it in order.
            Interlocked.CompareExchange(ref _own.Mode, EndpointView.EvictedSubscriber, 0);
            return false;
        }

        // The generation comes first: the publisher says of each new one which frame is its first.
        Volatile.Write(ref _own.Missed, 0);
        Volatile.Write(ref _own.FirstSequence, ulong.MaxValue);
        endpoint.Occupy();
        KillWindow.Pass(KillWindow.BeforeMode);
        // SYNC frames.join: pairs with Subscriber.Tend. The rings are in order, and the generation is there. A publisher that has evicted it by now has stored that, and it stays.
        Interlocked.CompareExchange(ref _own.Mode, mode, 0);
        KillWindow.Pass(KillWindow.AfterMode);
        return true;
    }

    /// <summary>Takes the oldest frame that waits.</summary>
    /// <param name="frame">The frame.</param>
    /// <param name="missed">How many were missed just before it.</param>
    /// <param name="wrong">What the publisher stored that no correct one stores; <see langword="null"/>: nothing.</param>
    internal bool TryRead([NotNullWhen(true)] out Frame? frame, out long missed, out string? wrong)
    {
        lock (_gate)
        {
            if (!TryShowNext(out frame, out missed, out wrong))
            {
                return false;
            }
        }

        // A publisher that waits for this subscriber can go on.
        _publisherWakes.NotifyAll();
        return true;
    }

    /// <summary>Shows how many frames were missed.</summary>
    internal void ShowMissed(long missed) => Volatile.Write(ref _own.Missed, (ulong)missed);

    /// <summary>A frame that was read goes back to the publisher.</summary>
    void IFrameKeeper.GiveBack(Frame frame)
    {
        lock (_gate)
        {
            if (_isClosed)
            {
                return;
            }

            _isHeld[frame.Slot] = false;
            Return(new(frame.Slot, frame.Generation));
            _rotation.Return(frame);
        }

        _publisherWakes.NotifyAll();
    }

    /// <summary>Leaves: what waits, and what is still held, goes back to the publisher first.</summary>
    internal void Leave()
    {
        lock (_gate)
        {
            if (_isClosed)
            {
                return;
            }

            _isClosed = true;
            var mode = Volatile.Read(ref _own.Mode);
            if (mode != EndpointView.EvictedSubscriber && Interlocked.CompareExchange(ref _own.Mode, 0, mode) == mode)
            {
                // What cannot be returned, the publisher has back when the place has no owner.
                TryReturnWaiting();
                for (var slot = 0; slot < _isHeld.Length; slot++)
                {
                    if (_isHeld[slot])
                    {
                        _isHeld[slot] = false;
                        var frame = _frames[slot]!;
                        frame.TryEnd();
                        Return(new(slot, frame.Generation));
                    }
                }

                KillWindow.Pass(KillWindow.AfterMoving);
            }
        }

        // SYNC frames.leave: pairs with Subscriber.Tend. What was returned stands in the ring before the place has no owner.
        End();
    }

    /// <summary>The publisher is gone: frames that are held stay what they are, and nobody waits for them.</summary>
    internal void Detach()
    {
        lock (_gate)
        {
            _isClosed = true;
        }

        _slots.Close();
    }

    /// <summary>The object is corrupt: nothing that is held can be used any more.</summary>
    internal void Abandon()
    {
        lock (_gate)
        {
            _isClosed = true;
        }

        End();
    }

    private void End()
    {
        foreach (var frame in _frames)
        {
            frame?.TryEnd();
        }

        _slots.Close();
    }

    /// <summary>Takes an entry and shows its frame, inside the gate: what was taken is held before anybody leaves.</summary>
    private bool TryShowNext([NotNullWhen(true)] out Frame? frame, out long missed, out string? wrong)
    {
        (frame, missed, wrong) = (null, 0, null);
        if (_isClosed)
        {
            return false;
        }

        if (!TryTake(out var entry, out var isPossible))
        {
            wrong = isPossible ? null : "has indices that cannot be";
            return false;
        }

        if (entry.HasFlags || entry.Slot >= _layout.Slots)
        {
            wrong = $"names the slot {entry.Slot} of {_layout.Slots}";
            return false;
        }

        if (_isHeld[entry.Slot])
        {
            wrong = $"names the slot {entry.Slot} again, which has not been returned";
            return false;
        }

        // Each field is loaded once.
        // SAFETY: the header lies in the bytes that the channel holds, at a multiple of 8.
        var header = Unsafe.AsRef<SlotHeader>(_headers + ((long)entry.Slot * ChannelLayout.SlotHeaderSize));
        if ((header.Generation & FrameEntry.GenerationMask) != entry.Generation || header.Length > (uint)_layout.LengthOf(entry.Slot))
        {
            wrong = $"names the slot {entry.Slot} in life {entry.Generation}, and its header life {header.Generation} and {header.Length} bytes";
            return false;
        }

        // The first may have been on its way to a former owner: it comes before the one that is named, or none is named yet, and nothing was missed.
        var expected = _expected ?? Math.Min(Volatile.Read(ref _own.FirstSequence), header.Sequence);
        if (header.Sequence < expected || header.Sequence > ChannelLayout.MostIndex)
        {
            wrong = $"names the frame {header.Sequence}, and {expected} comes next";
            return false;
        }

        missed = (long)(header.Sequence - expected);
        _expected = header.Sequence + 1;
        frame = _frames[entry.Slot] = _rotation.Take();
        _isHeld[entry.Slot] = true;
        frame.Show(entry, header);
        return true;
    }

    private bool TryTake(out FrameEntry entry, out bool isPossible)
    {
        for (var attempt = 0; attempt < SubscriberRings.MostAttempts; attempt++)
        {
            var head = Volatile.Read(ref _rings.SentHead);
            // SYNC frames.send: pairs with Subscriber.TrySend. The entries before the tail are there, and all that belongs to their frames.
            var tail = Volatile.Read(ref _rings.SentTail);
            if (head < _head)
            {
                break;
            }

            if (tail - head > _rings.SentCapacity)
            {
                if (Volatile.Read(ref _rings.SentHead) == head)
                {
                    break;
                }

                // The publisher has dropped some, and sent more, between the two looks.
                continue;
            }

            if (head == tail)
            {
                (entry, isPossible) = (default, true);
                return false;
            }

            entry = new(Volatile.Read(ref _rings.Sent(head)));
            // SYNC frames.take: pairs with Subscriber.DropOldest. Each entry comes out once, here or there; it was loaded before.
            if (Interlocked.CompareExchange(ref _rings.SentHead, head + 1, head) == head)
            {
                KillWindow.Pass(KillWindow.AfterTaking);
                _head = head + 1;
                isPossible = true;
                return true;
            }
        }

        (entry, isPossible) = (default, false);
        return false;
    }

    /// <summary>Returns what waits. The mode is 0: a correct publisher sends one frame more, if it was about to.</summary>
    /// <returns>False: the indices cannot be, or the publisher goes on sending.</returns>
    private bool TryReturnWaiting()
    {
        for (var round = 0UL; round <= _rings.SentCapacity + 1; round++)
        {
            if (!TryTake(out var entry, out var isPossible))
            {
                return isPossible;
            }

            Return(entry);
        }

        return false;
    }

    private void Return(FrameEntry entry)
    {
        Volatile.Write(ref _rings.Returned(_returnTail), entry.Value);
        KillWindow.Pass(KillWindow.AfterReturnEntry);
        // SYNC frames.return: pairs with Subscriber.Drain. A publisher that sees the tail fills the slot again: all loads of the frame come before.
        Volatile.Write(ref _rings.ReturnTail, ++_returnTail);
        KillWindow.Pass(KillWindow.AfterReturn);
    }
}
