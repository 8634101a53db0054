using System.Numerics;
using System.Runtime.CompilerServices;

namespace Posix.SharedMemory.Threading;

/// <summary>The words of a reader-writer lock: how readers and writers meet. The model is tests/models/readerwriter.pml.</summary>
internal sealed class ReaderWriterWords
{
    internal const int CountersAt = 64, SpreadStride = 64, CompactStride = 8;

    private const int DrainedAt = 8, GateAt = 12, MaskAt = 24, MostInMask = 63;
    private const uint GateSleepers = 1u << 31;

    /// <summary>A reader that has found the lock changed so often while it prepared to sleep looks at its deadline.</summary>
    private const int MostLooks = 10;

    private readonly Seat _seat;
    private readonly HeldBytes _bytes;
    private readonly OwnedWord _writer;
    private readonly int _stride;
    private readonly unsafe ulong* _mine;

    // The writer's word, without a way over the objects that change it.
    private readonly unsafe byte* _first;
    private bool _isPrepared;

    internal unsafe ReaderWriterWords(Seat seat, HeldBytes bytes, int stride)
    {
        // SAFETY: an address is handed on; what it points to is held as long as this object is.
        _seat = seat;
        _bytes = bytes;
        _stride = stride;
        // An observer has none, and comes to none.
        _mine = seat.IsObserver ? null : Counter(seat.Number);
        _first = bytes.First;
        _writer = new(seat, bytes, (uint*)bytes.First);
    }

    internal Seat Seat => _seat;

    internal OwnedWord Writer => _writer;

    private unsafe uint* Drained => (uint*)(_bytes.First + DrainedAt);

    private unsafe uint* Gate => (uint*)(_bytes.First + GateAt);

    private unsafe ulong* Mask => (ulong*)(_bytes.First + MaskAt);

    private uint Incarnation => _seat.Require() & Participant.IncarnationMask;

    /// <summary>Enters for reading, if nothing is special about the lock.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal unsafe bool TryEnterReadFree()
    {
        if (_seat.Me == 0)
        {
            return false;
        }

        Count();
        // SYNC readerwriter.dekker: pairs with FindReader. The count above is a full fence: a writer that this load does not see sees the count.
        // SAFETY: the writer's word lies in the held bytes.
        if (Volatile.Read(ref *(uint*)_first) == 0)
        {
            return true;
        }

        Uncount();
        return false;
    }

    /// <summary>Enters for reading, or names the words to sleep on. After a writer's death it has entered only if the mode accepts that.</summary>
    internal WaitOutcome AttemptRead(ref WaitState state, ref SleepList list)
    {
        var before = list.Count;
        for (var looks = 0; looks < MostLooks; looks++)
        {
            Count();
            // SYNC readerwriter.dekker: pairs with FindReader.
            var value = _writer.Value;
            if (IsOpen(value, state))
            {
                if ((value & LockLayout.Patient) != 0 && state.IsPatient)
                {
                    EndPatience(isIn: true);
                }

                return (value & LockLayout.Inconsistent) != 0 ? WaitOutcome.TakenUnrepaired : WaitOutcome.Taken;
            }

            Uncount();
            var owner = value & LockLayout.OwnerMask;
            if (owner == 0 ? (value & LockLayout.Inconsistent) != 0 && !AcceptsUnrepaired(state) : (owner & Participant.Mark) == 0)
            {
                return owner == 0 ? WaitOutcome.TakenUnrepaired : _writer.CloseBy(owner);
            }

            if (owner != 0 && IsDead(owner, state))
            {
                SettleDeath();
                state.Dead = owner;
                continue;
            }

            if (state.IsTry || TryNameWords(value, state, ref list))
            {
                return WaitOutcome.Pending;
            }

            list.Truncate(before);
        }

        return list.Retry();
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal void LeaveRead()
    {
        // Once this process has left the roster, its seat and the counter may be another's.
        if (_seat.Me != 0)
        {
            Uncount();
        }

        GC.KeepAlive(_bytes);
    }

    /// <summary>Enters for writing, if nothing is special about the lock and no living reader is inside.</summary>
    internal bool TryEnterWriteFree()
    {
        if (!_writer.TryEnterFree())
        {
            return false;
        }

        var nowhere = default(SleepList);
        if (!FindReader(ref nowhere))
        {
            return true;
        }

        LeaveWrite();
        return false;
    }

    /// <summary>Enters for writing: first the word, then until no living reader is inside.</summary>
    internal WaitOutcome AttemptWrite(ref WaitState state, ref SleepList list)
    {
        if (state.Key == 0)
        {
            var outcome = _writer.Attempt(ref state, ref list);
            if (outcome is not (WaitOutcome.Taken or WaitOutcome.TakenUnrepaired))
            {
                return outcome;
            }

            state.Key = (uint)outcome;
        }

        return FindReader(ref list) ? WaitOutcome.Pending : (WaitOutcome)state.Key;
    }

    internal WaitOutcome GiveUpWrite(ref WaitState state)
    {
        if (state.Key == 0)
        {
            return _writer.GiveUp(state);
        }

        state.Key = 0;
        LeaveWrite();
        return WaitOutcome.Pending;
    }

    internal void LeaveWrite()
    {
        try
        {
            if (!_writer.TryLeavePlain())
            {
                _writer.Leave();
            }
        }
        finally
        {
            OpenGate();
        }
    }

    internal void Retire()
    {
        try
        {
            _writer.Close(LockLayout.Retired);
        }
        finally
        {
            OpenGate();
        }
    }

    /// <summary>Lets sleeping readers look again.</summary>
    internal unsafe void OpenGate()
    {
        for (var swaps = 0; swaps < SleepList.MostSwaps; swaps++)
        {
            // SYNC readerwriter.gate: pairs with AttemptRead. The word was freed before this look.
            // SAFETY: the word lies in the held bytes.
            var gate = Volatile.Read(ref *Gate);
            if ((gate & GateSleepers) == 0)
            {
                return;
            }

            // SAFETY: as above.
            if (Interlocked.CompareExchange(ref *Gate, (gate + 1) & ~GateSleepers, gate) == gate)
            {
                _seat.Kernel.Wake(Gate, int.MaxValue);
                return;
            }
        }

        // SAFETY: as above.
        Interlocked.Increment(ref *Gate);
        _seat.Kernel.Wake(Gate, int.MaxValue);
    }

    private static bool IsOpen(uint value, in WaitState state) =>
        (value & LockLayout.OwnerMask) == 0 && ((value & LockLayout.Inconsistent) == 0 || AcceptsUnrepaired(state))
        && ((value & LockLayout.Patient) == 0 || state.HasSlept || state.IsTry);

    private static bool AcceptsUnrepaired(in WaitState state) => ((EntryMode)state.Mode & EntryMode.AcceptUnrepaired) != 0;

    private unsafe bool IsDead(uint owner, in WaitState state) =>
        // SAFETY: an address is handed on; what it points to is held as long as this object is.
        !_seat.Memory.IsAlive(owner, out _, out _) || (state.IsLook && owner != _seat.Me && _seat.Memory.Witness(owner));

    /// <summary>Takes over from a dead writer and leaves at once: the lock is free then, and unrepaired.</summary>
    private void SettleDeath()
    {
        var asWriter = new WaitState { IsTry = true };
        var nowhere = default(SleepList);
        if (_writer.Attempt(ref asWriter, ref nowhere) is WaitOutcome.Taken or WaitOutcome.TakenUnrepaired)
        {
            LeaveWrite();
        }
    }

    /// <summary>Names the words on which a reader sleeps. False: the lock has changed meanwhile.</summary>
    private unsafe bool TryNameWords(uint value, in WaitState state, ref SleepList list)
    {
        if (state.IsPatient && (value & LockLayout.Patient) == 0)
        {
            _writer.Mark(LockLayout.Patient);
        }

        // SYNC readerwriter.gate: pairs with OpenGate. The bit first, then the word once more: a writer that has not seen the bit has left before this look.
        // SAFETY: the word lies in the held bytes.
        var gate = Interlocked.Or(ref *Gate, GateSleepers) | GateSleepers;
        var again = _writer.Value;
        if (IsOpen(again, state))
        {
            return false;
        }

        list.Add(Gate, gate);
        var owner = again & LockLayout.OwnerMask;
        if ((owner & Participant.Mark) != 0 && _seat.Memory.IsAlive(owner, out var life, out var lifeValue))
        {
            list.AddLife(life, lifeValue);
            return true;
        }

        return owner == 0 && ((again & LockLayout.Inconsistent) == 0 || AcceptsUnrepaired(state));
    }

    /// <summary>Whether a living reader is inside; names then the words whose change means that it has left.</summary>
    private unsafe bool FindReader(ref SleepList list)
    {
        // SAFETY: the words lie in the held bytes. Read before the counters: a reader that leaves afterwards changes it.
        var drained = Volatile.Read(ref *Drained);
        if (_seat.Memory.Seats > MostInMask)
        {
            for (var number = 1; number <= _seat.Memory.Seats; number++)
            {
                if (IsReading(number, drained, ref list))
                {
                    return true;
                }
            }

            return false;
        }

        // SAFETY: as above. Only a seat that has ever read has its bit here; it stays.
        for (var mask = Volatile.Read(ref *Mask) & (ulong.MaxValue >> (64 - _seat.Memory.Seats)); mask != 0; mask &= mask - 1)
        {
            if (IsReading(BitOperations.TrailingZeroCount(mask) + 1, drained, ref list))
            {
                return true;
            }
        }

        return false;
    }

    private unsafe bool IsReading(int number, uint drained, ref SleepList list)
    {
        // SYNC readerwriter.dekker: pairs with AttemptRead. The writer's word was swapped before this load.
        // SAFETY: the counter lies in the held bytes.
        var counter = Volatile.Read(ref *Counter(number));
        var incarnation = (uint)(counter >> 32);
        if ((uint)counter == 0 || incarnation is 0 or > Participant.IncarnationMask
            // A dead reader changed nothing: it is passed over.
            || !_seat.Memory.IsAlive(Participant.Of(number, incarnation).Value, out var life, out var lifeValue))
        {
            return false;
        }

        list.Add(Drained, drained);
        list.AddLife(life, lifeValue);
        return true;
    }

    private unsafe ulong* Counter(int number) => (ulong*)(_bytes.First + CountersAt + ((long)(number - 1) * _stride));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private unsafe void Count()
    {
        if (!_isPrepared)
        {
            Prepare();
        }

        // SAFETY: the counter lies in the held bytes; only this process changes it by now.
        Interlocked.Increment(ref *_mine);
    }

    /// <summary>Before the first entry: makes the counter one of this incarnation, and known to writers.</summary>
    private unsafe void Prepare()
    {
        // SAFETY: the counter lies in the held bytes.
        ReaderCounter.Own(ref *_mine, (ulong)Incarnation << 32);
        if (_seat.Memory.Seats <= MostInMask)
        {
            // SAFETY: the mask lies in the held bytes.
            Interlocked.Or(ref *Mask, 1ul << (_seat.Number - 1));
        }

        _isPrepared = true;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private unsafe void Uncount()
    {
        // SAFETY: the counter lies in the held bytes.
        var left = (uint)Interlocked.Decrement(ref *_mine);
        // SYNC readerwriter.dekker: pairs with FindReader. The count is a full fence: a writer that this load does not see sees the count.
        if (left == 0 && (Volatile.Read(ref *(uint*)_first) & LockLayout.OwnerMask) != 0)
        {
            WakeWriter();
        }
    }

    private unsafe void WakeWriter() =>
        // SAFETY: an address is handed on; what it points to is held as long as this object is.
        _seat.Kernel.ChangeAndWake(Drained, WordChange.Add, 1, 1);

    /// <summary>A patient reader is in, or has given up: writers and readers that queued behind it go on.</summary>
    internal void EndPatience(bool isIn)
    {
        try
        {
            var value = _writer.Unmark(LockLayout.Patient);
            if ((value & (LockLayout.Waiters | LockLayout.OwnerMask)) == LockLayout.Waiters)
            {
                _writer.WakeOne();
            }

            OpenGate();
        }
        catch when (isIn)
        {
            Uncount();
            throw;
        }
    }
}
