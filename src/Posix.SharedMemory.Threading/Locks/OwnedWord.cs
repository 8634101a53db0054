using System.Runtime.Intrinsics.Arm;
using System.Runtime.Intrinsics.X86;

namespace Posix.SharedMemory.Threading;

/// <summary>A word with an owner, which may die: entering, leaving and taking over. The model is tests/models/mutex.pml.</summary>
internal sealed class OwnedWord
{
    private const int MostSpins = 100, PausesPerSpin = 8;

    /// <summary>A take-over that failed counts as so many swaps: confirming an end can take ten milliseconds.</summary>
    private const int CostOfTakeOver = SleepList.MostSwaps / 4;

    private readonly unsafe uint* _word;
    private readonly HeldBytes _bytes;
    private readonly Seat _seat;
    private readonly uint _closed;
    private int _spins = Environment.ProcessorCount == 1 ? 0 : MostSpins;

    /// <param name="seat">This process's.</param>
    /// <param name="bytes">Keep the word mapped.</param>
    /// <param name="word">The word.</param>
    /// <param name="closed">The owner that it has for ever once it was closed.</param>
    internal unsafe OwnedWord(Seat seat, HeldBytes bytes, uint* word, uint closed = LockLayout.Retired)
    {
        _closed = closed;
        _seat = seat;
        _bytes = bytes;
        _word = word;
    }

    internal unsafe uint Value
    {
        get
        {
            // SAFETY: the word lies in the held bytes.
            var value = Volatile.Read(ref *_word);
            GC.KeepAlive(_bytes);
            return value;
        }
    }

    /// <summary>Gets whether this process is the owner.</summary>
    internal bool IsMine => _seat.Me is not 0 and var me && (Value & LockLayout.OwnerMask) == me;

    /// <summary>Enters if it is free and nothing is special about it.</summary>
    internal unsafe bool TryEnterFree()
    {
        var me = _seat.Me;
        // SAFETY: the word lies in the held bytes.
        return me != 0 && Interlocked.CompareExchange(ref *_word, me, 0) == 0;
    }

    /// <summary>Spins for a moment, if the owner lives and nobody sleeps: most holds are shorter than a sleep.</summary>
    internal bool SpinEnter()
    {
        for (var i = 0; i < _spins; i++)
        {
            var value = Value;
            if (value == 0 && TryEnterFree())
            {
                _spins = Math.Min(MostSpins, _spins + (_spins / 8) + 1);
                return true;
            }

            if ((value & ~LockLayout.OwnerMask) != 0)
            {
                return false;
            }

            for (var pause = 0; pause < PausesPerSpin; pause++)
            {
                Pause();
            }
        }

        // Never to none: the holds may become shorter again.
        _spins = Math.Max(_spins / 2, Math.Min(_spins, 4));
        return false;
    }

    /// <summary>Enters, or names the words to sleep on: the word itself and the life of its owner.</summary>
    /// <exception cref="ObjectDisposedException">This process has left the roster.</exception>
    internal unsafe WaitOutcome Attempt(ref WaitState state, ref SleepList list)
    {
        // SAFETY: an address is handed on; what it points to is held as long as this object is.
        for (var swaps = 0; swaps < SleepList.MostSwaps; swaps++)
        {
            var me = _seat.Require();
            var value = Value;
            var owner = value & LockLayout.OwnerMask;
            if (owner == 0)
            {
                if ((value & LockLayout.Patient) != 0 && !state.HasSlept && !state.IsTry)
                {
                    // Somebody has waited for long: a fresh arrival queues, although the word is free.
                    if (TryQueue(value, ref list))
                    {
                        return WaitOutcome.Pending;
                    }

                    continue;
                }

                // SYNC mutex.waiters: pairs with Leave. Whoever has slept cannot know whether others sleep behind it.
                var waiters = state.HasSlept ? LockLayout.Waiters : value & LockLayout.Waiters;
                var patient = state.IsPatient || state.IsTry ? value & LockLayout.Patient : 0;
                if (Swap(value, me | (value & LockLayout.Inconsistent) | waiters | patient))
                {
                    return (value & LockLayout.Inconsistent) != 0 ? WaitOutcome.TakenUnrepaired : WaitOutcome.Taken;
                }
            }
            else if ((owner & Participant.Mark) == 0)
            {
                return CloseBy(owner);
            }
            else if (!_seat.Memory.IsAlive(owner, out var life, out var lifeValue) || (state.IsLook && owner != me && _seat.Memory.Witness(owner)))
            {
                if (TakeOver(ref state, value, owner, me))
                {
                    return WaitOutcome.TakenUnrepaired;
                }

                swaps += CostOfTakeOver;
            }
            else if (state.IsTry)
            {
                return WaitOutcome.Pending;
            }
            else
            {
                var marked = value | LockLayout.Waiters | (state.IsPatient ? LockLayout.Patient : 0);
                if (marked != value && !Swap(value, marked))
                {
                    continue;
                }

                list.Add(_word, marked);
                list.AddLife(life, lifeValue);
                return WaitOutcome.Pending;
            }
        }

        return list.Retry();
    }

    /// <summary>What an owner means that is not a participant.</summary>
    /// <exception cref="InvalidDataException">It is not the one that a closed word has.</exception>
    internal WaitOutcome CloseBy(uint owner) => owner == _closed ? WaitOutcome.Closed
        : throw new InvalidDataException($"The word has the owner 0x{owner:X}, which is neither a participant nor what a closed word has. It was overwritten.");

    private unsafe bool TryQueue(uint value, ref SleepList list)
    {
        var marked = value | LockLayout.Waiters;
        if (marked != value && !Swap(value, marked))
        {
            return false;
        }

        // SAFETY: an address is handed on; what it points to is held as long as this object is.
        list.Add(_word, marked);
        return true;
    }

    /// <summary>A waiter leaves without having entered: the wake-up may have been meant for it.</summary>
    internal unsafe WaitOutcome GiveUp(in WaitState state)
    {
        // SAFETY: an address is handed on; what it points to is held as long as this object is.
        // Whatever WAITERS says: a leaver that woke nobody may clear it late, when others sleep again.
        var value = Value;
        if (!state.HasSlept || (value & LockLayout.OwnerMask) != 0)
        {
            return WaitOutcome.Pending;
        }

        var woken = _seat.Kernel.Wake(_word, 1);
        if (woken == 0 && (value & LockLayout.Patient) != 0)
        {
            ClearPatience(value);
        }

        return WaitOutcome.Pending;
    }

    /// <summary>
    /// Nobody slept on the free word, so nobody is patient either (whoever waits without a thread marks it again). Fresh arrivals that saw PATIENT may have gone to sleep since: WAITERS is gone, so all of them are woken.
    /// </summary>
    private unsafe void ClearPatience(uint free)
    {
        // SAFETY: an address is handed on; what it points to is held as long as this object is.
        if (Swap(free, free & ~(LockLayout.Waiters | LockLayout.Patient)))
        {
            _seat.Kernel.Wake(_word, int.MaxValue);
        }
    }

    /// <summary>Leaves if nothing is special about the word.</summary>
    internal unsafe bool TryLeavePlain()
    {
        var me = _seat.Me;
        // SAFETY: the word lies in the held bytes.
        return me != 0 && Interlocked.CompareExchange(ref *_word, 0, me) == me;
    }

    /// <summary>Leaves, and wakes whoever sleeps.</summary>
    /// <exception cref="LockLostException">This process is not the owner.</exception>
    internal unsafe void Leave()
    {
        // SAFETY: an address is handed on; what it points to is held as long as this object is.
        for (var swaps = 0; swaps < SleepList.MostSwaps; swaps++)
        {
            var value = Value;
            if (_seat.Me == 0 || (value & LockLayout.OwnerMask) != _seat.Me)
            {
                throw new LockLostException();
            }

            if ((value & (LockLayout.Inconsistent | LockLayout.Patient)) != 0)
            {
                var free = value & ~LockLayout.OwnerMask;
                if (!Swap(value, free))
                {
                    continue;
                }

                if ((value & LockLayout.Waiters) != 0 && _seat.Kernel.Wake(_word, 1) == 0)
                {
                    ClearPatience(free);
                }

                return;
            }

            if ((value & LockLayout.Waiters) != 0)
            {
                // SYNC mutex.waiters: pairs with Attempt. Stored and woken in one call, so that no kill falls between; the bit stays, for whoever comes next.
                if (_seat.Kernel.ChangeAndWake(_word, WordChange.SetBit, 31, 1) == 0)
                {
                    Swap(LockLayout.Waiters, 0);
                }

                return;
            }

            if (Swap(value, 0))
            {
                return;
            }
        }

        Unmark(LockLayout.OwnerMask);
        WakeOne();
    }

    /// <summary>Marks what a dead owner left as repaired. The caller is the owner.</summary>
    internal void MarkConsistent() => Unmark(LockLayout.Inconsistent);

    /// <summary>Leaves for ever: the word keeps a value that is nobody, and all sleepers are woken.</summary>
    internal unsafe void Close(uint final)
    {
        // SAFETY: an address is handed on; what it points to is held as long as this object is.
        for (var swaps = 0; swaps < SleepList.MostSwaps; swaps++)
        {
            var value = Value;
            if (_seat.Me == 0 || (value & LockLayout.OwnerMask) != _seat.Me)
            {
                throw new LockLostException();
            }

            if (Swap(value, final))
            {
                _seat.Kernel.Wake(_word, int.MaxValue);
                return;
            }
        }

        // SAFETY: the word lies in the held bytes.
        Interlocked.Exchange(ref *_word, final);
        _seat.Kernel.Wake(_word, int.MaxValue);
    }

    /// <summary>Sets a bit.</summary>
    internal unsafe void Mark(uint bit)
    {
        // SAFETY: the word lies in the held bytes.
        Interlocked.Or(ref *_word, bit);
        GC.KeepAlive(_bytes);
    }

    /// <summary>Clears a bit, or several.</summary>
    /// <returns>The word as it was.</returns>
    internal unsafe uint Unmark(uint bit)
    {
        // SAFETY: the word lies in the held bytes.
        var value = Interlocked.And(ref *_word, ~bit);
        GC.KeepAlive(_bytes);
        return value;
    }

    internal unsafe void WakeOne() =>
        // SAFETY: an address is handed on; what it points to is held as long as this object is.
        _seat.Kernel.Wake(_word, 1);

    private bool TakeOver(ref WaitState state, uint value, uint owner, uint me)
    {
        // SYNC mutex.confirm: pairs with Seat.Claim. First, so that no thread of the dead stores any more when the lock has a new owner.
        _seat.Memory.ConfirmEnd(owner);
        var waiters = state.HasSlept ? LockLayout.Waiters : value & LockLayout.Waiters;
        if (!Swap(value, me | LockLayout.Inconsistent | waiters | (value & LockLayout.Patient)))
        {
            return false;
        }

        state.Dead = owner;
        return true;
    }

    private unsafe bool Swap(uint from, uint to)
    {
        // SAFETY: the word lies in the held bytes.
        var swapped = Interlocked.CompareExchange(ref *_word, to, from) == from;
        GC.KeepAlive(_bytes);
        return swapped;
    }

    private static void Pause()
    {
        if (X86Base.IsSupported)
        {
            X86Base.Pause();
        }
        else if (ArmBase.IsSupported)
        {
            ArmBase.Yield();
        }
        else
        {
            Thread.SpinWait(1);
        }
    }
}
