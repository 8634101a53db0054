using System.Runtime.CompilerServices;
using Posix.SharedMemory.Threading.Interop;

namespace Posix.SharedMemory.Threading;

/// <summary>The word of an event count, and the asynchronous waits of this process for it. The model is tests/models/eventcount.pml.</summary>
internal sealed class EventCountWord : WaitQueue, IWaitTarget<bool>
{
    /// <summary>Set while somebody sleeps, or has prepared to.</summary>
    private const uint Sleepers = 1, Step = 2;

    /// <summary>How long a sleep lasts where a notifier passes no fence, and this process may not impose one.</summary>
    private const long UnfencedSlice = 1_000_000;

    /// <summary>The mode of a wait that no thread makes.</summary>
    internal const int Asynchronous = 1;

    private readonly Seat _seat;
    private readonly HeldBytes _bytes;
    private readonly unsafe uint* _word;
    private readonly bool _notifiesUnfenced;
    private volatile bool _isWatched;
    private bool _isAbandoned;
    private volatile bool _cannotFence;

    internal unsafe EventCountWord(Seat seat, HeldBytes bytes)
        : base(seat.Kernel.Service, wakesAll: true)
    {
        // SAFETY: an address is handed on; what it points to is held as long as this object is.
        _seat = seat;
        _bytes = bytes;
        _word = (uint*)bytes.First;
        _notifiesUnfenced = !seat.IsObserver && seat.Kernel.Service.IsRegisteredForFences;
    }

    public News News => _seat.News;

    /// <summary>Gets whether fences of other processes reach this one: a notification without sleepers is one load then.</summary>
    internal bool NotifiesUnfenced => _notifiesUnfenced;

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

    internal static bool HasSleepers(uint value) => (value & Sleepers) != 0;

    /// <summary>After the caller's change: wakes all sleepers. One load while nobody does.</summary>
    [MethodImpl(MethodImplOptions.NoInlining)]
    internal bool Notify()
    {
        if (!_notifiesUnfenced)
        {
            _seat.RefuseObserver();
            // SYNC eventcount.dekker: pairs with Prepare, for a process that no fence of others reaches.
            Interlocked.MemoryBarrier();
        }

        // SYNC eventcount.dekker: pairs with Prepare. The load may pass the caller's store: the sleeper's fence, between its bit and its second look, is for both sides.
        if (!HasSleepers(Value))
        {
            return false;
        }

        NotifySleepers();
        return true;
    }

    /// <summary>
    /// A participant has ended, perhaps in the middle of a notification: makes all sleepers of the word look again, also where the dead one had changed the word and had not yet woken them.
    /// </summary>
    internal override unsafe void NotifyEnd()
    {
        // SAFETY: an address is handed on; what it points to is held as long as this object is.
        if (!HasSleepers(Value) || !NotifySleepers())
        {
            // SYNC eventcount.death: pairs with NotifySleepers, whose swap and wake-up are two steps.
            _seat.Kernel.Wake(_word, int.MaxValue);
        }
    }

    internal unsafe uint Prepare()
    {
        _seat.Require();
        // Before the caller looks whether others live: an end between that look and the first watch would be noticed by nobody.
        BeforeSleep();
        // SAFETY: the word lies in the held bytes.
        var value = Interlocked.Or(ref *_word, Sleepers) | Sleepers;
        // SYNC eventcount.dekker: pairs with Notify. One fence for each sleep instead of one for each notification.
        if (!_cannotFence && (_notifiesUnfenced || _seat.Memory.AnyRegistered()) && !_seat.Kernel.FenceAll())
        {
            _cannotFence = true;
        }

        return value;
    }

    /// <summary>Sleeps on the word alone: for callers without a token.</summary>
    /// <returns>False: the deadline passed.</returns>
    internal unsafe bool Sleep(uint key, Deadline deadline)
    {
        // SAFETY: an address is handed on; what it points to is held as long as this object is.
        BeforeSleep();
        Span<LinuxFutexWaitv> space = stackalloc LinuxFutexWaitv[1];
        while (Value == key)
        {
            var now = Deadline.Now;
            if (now >= deadline.Nanoseconds)
            {
                return false;
            }

            _seat.Require();
            var list = new SleepList(space);
            list.Add(_word, key);
            var look = now + (_cannotFence ? UnfencedSlice : BlockingWait.LookEvery);
            if (!_seat.Kernel.Sleep(ref list, Math.Min(deadline.Nanoseconds, look)) && look < deadline.Nanoseconds)
            {
                // The look belongs to the caller: what it waits for may be there without a notification, if a notifier died.
                return true;
            }
        }

        return true;
    }

    public unsafe WaitOutcome Attempt(ref WaitState state, ref SleepList list)
    {
        // SAFETY: an address is handed on; what it points to is held as long as this object is.
        var value = Value;
        // A blocked caller gets the look of every second for itself. For asynchronous ones this process looks: only where a notifier may not see the mark of a sleeper do they look, too.
        if (value != state.Key || (state.IsLook && (state.Mode != Asynchronous || _cannotFence)))
        {
            return WaitOutcome.Taken;
        }

        _seat.Require();
        list.Add(_word, value);
        return WaitOutcome.Pending;
    }

    public WaitOutcome GiveUp(ref WaitState state) => WaitOutcome.Pending;

    public bool Finish(WaitOutcome outcome, ref WaitState state) => outcome == WaitOutcome.Taken;

    public void BeforeSleep()
    {
        if (!_isWatched)
        {
            _seat.Watch.Add(this);
            _seat.Watch.Start();
            _isWatched = true;
        }
    }

    /// <summary>Its object is gone: the word leaves the service once its last wait is over.</summary>
    internal void Abandon()
    {
        lock (Service.Gate)
        {
            _isAbandoned = true;
            Thread?.Disturb();
        }
    }

    /// <summary>The word stays in the sleep, so that the next wait begins with a store and a look.</summary>
    protected override unsafe long Idle(ref SleepList list)
    {
        // SAFETY: an address is handed on; what it points to is held as long as this object is.
        if (_isAbandoned)
        {
            return base.Idle(ref list);
        }

        list.Add(_word, Value);
        return long.MaxValue;
    }

    protected override bool Entered(AsyncWait wait)
    {
        if (Thread is null)
        {
            Service.Add(this);
        }
        else if (_cannotFence)
        {
            Thread.Disturb();
        }

        // SYNC eventcount.enter: pairs with Round. The wait stands in the queue before this look: the thread may have passed the change before.
        return Value != wait.State.Key;
    }

    internal override long Round(ref SleepList list, long now, bool look)
    {
        // SYNC eventcount.enter: pairs with Entered. Every wait is compared with what the word is now, not with what the thread slept on.
        var until = base.Round(ref list, now, look);
        return _cannotFence ? Math.Min(until, now + UnfencedSlice) : until;
    }

    /// <summary>Wakes whoever sleeps.</summary>
    /// <returns>False: another process has just changed the word, and wakes them.</returns>
    private unsafe bool NotifySleepers()
    {
        for (var swaps = 0; swaps < SleepList.MostSwaps; swaps++)
        {
            var value = Value;
            if (!HasSleepers(value))
            {
                return false;
            }

            // SYNC eventcount.death: pairs with NotifyEnd. A process that is killed after this swap has woken nobody.
            // SAFETY: the word lies in the held bytes.
            if (Interlocked.CompareExchange(ref *_word, (value + Step) & ~Sleepers, value) == value)
            {
                _seat.Kernel.Wake(_word, int.MaxValue);
                return true;
            }
        }

        // The bit stays: the next notification makes one call in vain.
        // SAFETY: as above.
        Interlocked.Add(ref *_word, Step);
        _seat.Kernel.Wake(_word, int.MaxValue);
        return true;
    }
}
