namespace Posix.SharedMemory.Threading;

/// <summary>State under a mutex of its own that can be recomputed when the mutex's owner dies: <see cref="ReturningPermits"/>, <see cref="SharedBarrier"/>.</summary>
internal sealed class GuardedState
{
    private readonly OwnedWord _mutex;
    private readonly Action _recompute;

    internal unsafe GuardedState(Seat seat, HeldBytes bytes, Action recompute)
    {
        // SAFETY: the tag lies in the held bytes.
        Tags.Claim(seat, (uint*)(bytes.First + LockLayout.Tag), LockLayout.MutexTag, "what they should be");
        Seat = seat;
        _recompute = recompute;
        _mutex = new(seat, bytes, (uint*)bytes.First);
        Entry = new(this);
    }

    internal Seat Seat { get; }

    private MutexEntry Entry { get; }

    /// <summary>Enters, or names the words to sleep on.</summary>
    internal bool TryEnter(ref WaitState state, ref SleepList list)
    {
        if (_mutex.TryEnterFree() || (!state.HasSlept && _mutex.SpinEnter()))
        {
            return true;
        }

        switch (_mutex.Attempt(ref state, ref list))
        {
            case WaitOutcome.Taken:
                return true;
            case WaitOutcome.TakenUnrepaired:
                try
                {
                    Repair();
                }
                catch
                {
                    Leave();
                    throw;
                }

                return true;
            case WaitOutcome.Closed:
                throw new InvalidDataException("The bytes of the inner mutex are not what they should be.");
            default:
                return false;
        }
    }

    /// <summary>Enters; waits as long as the owner, which lives, takes for its few instructions.</summary>
    internal void Enter() => TryEnter(Deadline.Never);

    /// <summary>Enters, unless that takes longer than until a deadline.</summary>
    internal bool TryEnter(Deadline deadline)
    {
        if (_mutex.TryEnterFree() || _mutex.SpinEnter())
        {
            return true;
        }

        var state = default(WaitState);
        return BlockingWait.Run(Entry, Seat.Kernel, ref state, deadline, CancellationToken.None) == WaitOutcome.Taken;
    }

    internal void Leave()
    {
        if (_mutex.TryLeavePlain())
        {
            return;
        }

        try
        {
            _mutex.Leave();
        }
        catch (SharedMemoryException)
        {
            // The mutex is free, only its next owner's wake-up was refused: it looks within a second. What was done under the mutex counts, and is the caller's.
        }
    }

    /// <summary>A waiter leaves: a wake-up of the mutex may have been meant for it.</summary>
    internal void GiveUp(in WaitState state)
    {
        try
        {
            _mutex.GiveUp(state);
        }
        catch (SharedMemoryException)
        {
            // As above: what the waiter has begun under the mutex, its caller takes back all the same.
        }
    }

    private void Repair()
    {
        _recompute();
        _mutex.MarkConsistent();
    }

    private sealed class MutexEntry(GuardedState guarded) : IWaitTarget
    {
        public News News => guarded.Seat.News;

        public WaitOutcome Attempt(ref WaitState state, ref SleepList list) => guarded.TryEnter(ref state, ref list) ? WaitOutcome.Taken : WaitOutcome.Pending;

        public WaitOutcome GiveUp(ref WaitState state) => guarded._mutex.GiveUp(state);

        public void BeforeSleep() => guarded.Seat.Watch.Start();
    }
}
