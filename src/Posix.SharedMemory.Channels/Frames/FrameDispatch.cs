using System.Diagnostics;
using System.Diagnostics.CodeAnalysis;
using System.Runtime.CompilerServices;
using Posix.SharedMemory.Threading;

namespace Posix.SharedMemory.Channels;

/// <summary>
/// What a publisher does with its slots: loans them, sends them to all subscribers, and takes back what they return. Any thread may call it; one at a time is inside. The model is tests/models/frames.pml.
/// </summary>
internal sealed unsafe class FrameDispatch : IFrameKeeper
{
    private readonly FrameSending _end;
    private readonly ChannelMemory _channel;
    private readonly FramePool _pool;
    private readonly FrameSlots _slots;
    private readonly FrameRotation _rotation;
    // The last frame of each slot.
    private readonly Frame?[] _frames;
    private readonly Subscriber[] _subscribers;
    private readonly Lock _gate = new();
    private readonly byte* _line;
    private readonly byte* _headers;
    private ulong _sequence;
    private long _bytes;

    internal FrameDispatch(FrameSending end)
    {
        (_end, _channel) = (end, end.Endpoint.Channel);
        var layout = _channel.Header.Frames;
        _pool = new(layout);
        _slots = new(_channel, FileAccess.ReadWrite);
        _rotation = new(this, _slots);
        _frames = new Frame?[layout.Slots];
        _subscribers = [.. end.Endpoint.Peers.Select(place => new Subscriber(_channel, place, _pool))];
        _line = _channel.First + ChannelLayout.WriterLine;
        _headers = _channel.First + layout.HeadersOffset;
    }

    /// <summary>Gets how many subscribers the last frame was sent to.</summary>
    internal int Reached { get; private set; }

    /// <summary>Gets whether the channel is one that nothing was sent through.</summary>
    internal bool IsFresh =>
        // SAFETY: the line lies in the bytes that the channel holds.
        Volatile.Read(ref *(ulong*)(_line + ChannelLayout.IndexInLine)) == 0 && Array.TrueForAll(_subscribers, subscriber => subscriber.IsFresh);

    /// <summary>Whether a slot is free that is long enough.</summary>
    internal bool HasSlot(int length)
    {
        lock (_gate)
        {
            if (_pool.IsShort(length))
            {
                TendAll();
            }

            return _pool.CountFree(length) > 0;
        }
    }

    /// <summary>Whether every living subscriber for which sending waits can take one more frame.</summary>
    internal bool HasRoom()
    {
        lock (_gate)
        {
            return HasRoomInside();
        }
    }

    /// <summary>How many slots are free that are long enough.</summary>
    internal int CountFree(int length)
    {
        lock (_gate)
        {
            TendAll();
            return _pool.CountFree(length);
        }
    }

    /// <summary>Loans a slot, if one is free.</summary>
    internal bool TryLoan(int length, [NotNullWhen(true)] out Frame? frame)
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
            frame = _frames[slot] = _rotation.Take();
            frame.Lend(slot, generation, length);
            return true;
        }
    }

    /// <summary>Sends a loaned frame, if there is room.</summary>
    internal bool TrySend(Frame frame)
    {
        lock (_gate)
        {
            if (!HasRoomInside())
            {
                return false;
            }

            // Read before the frame ends, and stored afterwards: the slot of one that is disposed at the same time keeps no number that the next frame has too.
            var (slot, length, type, timestamp, user) = (frame.Slot, frame.Length, frame.Type, frame.Timestamp, frame.Header);
            var generation = frame.Generation;
            var entry = new FrameEntry(slot, generation);
            if (!frame.TryEnd())
            {
                throw new ObjectDisposedException(nameof(Frame), "The frame was disposed while it was sent.");
            }

            _rotation.Return(frame);
            StoreHeader(slot, generation, length, type, timestamp, user);
            Reached = 0;
            foreach (var subscriber in _subscribers)
            {
                var mode = Tend(subscriber);
                if (mode != 0 && subscriber.TrySend(mode, entry, _sequence))
                {
                    Reached++;
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
            return true;
        }
    }

    /// <summary>Has back what a subscriber holds.</summary>
    internal void Evict(int endpoint)
    {
        var subscriber = Array.Find(_subscribers, subscriber => subscriber.Place.Index == endpoint)
            ?? throw new ArgumentOutOfRangeException(nameof(endpoint), endpoint, $"The readers of this channel are the endpoints 1 to {_subscribers.Length}.");
        lock (_gate)
        {
            if (subscriber.HasAnything())
            {
                subscriber.Evict();
            }
        }
    }

    /// <summary>A frame that was not sent goes back to the pool.</summary>
    void IFrameKeeper.GiveBack(Frame frame)
    {
        lock (_gate)
        {
            _pool.EndLoan(frame.Slot);
            _rotation.Return(frame);
            ShowUse();
        }

        _end.OnReturn();
    }

    /// <summary>Ends all loans: the end is closed.</summary>
    internal void EndLoans()
    {
        foreach (var frame in _frames)
        {
            frame?.TryEnd();
        }
    }

    internal void Close()
    {
        EndLoans();
        _slots.Close();
    }

    private void StoreHeader(int slot, uint generation, int length, ushort type, long timestamp, in FrameHeader user)
    {
        // SAFETY: the header lies in the bytes that the channel holds, at a multiple of 8; no subscriber has the slot.
        ref var header = ref Unsafe.AsRef<SlotHeader>(_headers + ((long)slot * ChannelLayout.SlotHeaderSize));
        header.Sequence = _sequence;
        header.Timestamp = (ulong)(timestamp != 0 ? timestamp : Now());
        header.Length = (uint)length;
        header.Type = type;
        header.Generation = generation;
        header.User = user;
        KillWindow.Pass(KillWindow.AfterSlotHeader);
    }

    /// <summary>Nanoseconds of the clock that all processes share; the base library reads it.</summary>
    private static long Now() => Stopwatch.Frequency == 1_000_000_000 ? Stopwatch.GetTimestamp() : (long)(Stopwatch.GetTimestamp() * (1e9 / Stopwatch.Frequency));

    private bool HasRoomInside()
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
            throw _end.Corrupt("the roster or an endpoint", subscriber.Place.Offset, $"was overwritten ({e.Message})");
        }
    }

    private void ShowUse() =>
        // SAFETY: the word lies in the control page, which the channel holds.
        Volatile.Write(ref *(long*)(_channel.First + ChannelLayout.SlotBytesInUseAt), _pool.BytesInUse);
}
