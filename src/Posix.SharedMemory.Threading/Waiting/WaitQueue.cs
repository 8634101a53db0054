namespace Posix.SharedMemory.Threading;

/// <summary>The asynchronous waits of this process for one thing, first come, first served.</summary>
/// <param name="wakesAll">A change is for all of them, not for one.</param>
internal class WaitQueue(WaitService service, bool wakesAll) : ServiceItem(service)
{
    /// <summary>So many waits are kept for their next use.</summary>
    private const int MostKept = 64;

    private AsyncWait? _first;
    private AsyncWait? _last;
    private AsyncWait? _kept;
    private int _keptCount;
    private long _nextDeadline = long.MaxValue;
    private volatile bool _hasCanceled;

    /// <summary>Waits for a target, unless it is there already.</summary>
    internal ValueTask<T> WaitAsync<T>(IWaitTarget<T> target, in WaitState state, Deadline deadline, bool synchronously, CancellationToken token)
    {
        var wait = Begin(target, state, deadline, synchronously, token);
        return wait is null ? new(target.Finish(WaitOutcome.TimedOut, ref System.Runtime.CompilerServices.Unsafe.AsRef(in state))) : new(wait, wait.Version);
    }

    /// <summary>As <see cref="WaitAsync{T}"/>, for a result that nobody needs.</summary>
    internal ValueTask WaitWithoutResultAsync<T>(IWaitTarget<T> target, in WaitState state, bool synchronously, CancellationToken token)
    {
        var wait = Begin(target, state, Deadline.Never, synchronously, token)!;
        return new(wait, wait.Version);
    }

    /// <summary>Makes the service thread look at the queue: one of its waits was cancelled.</summary>
    internal void Disturb()
    {
        _hasCanceled = true;
        lock (Service.Gate)
        {
            Thread?.Disturb();
        }
    }

    /// <summary>Keeps a wait whose awaiter has gone, for the next one.</summary>
    internal void Keep(AsyncWait wait)
    {
        lock (Service.Gate)
        {
            if (_keptCount < MostKept)
            {
                _keptCount++;
                wait.Next = _kept;
                _kept = wait;
            }
        }
    }

    internal override long Round(ref SleepList list, long now, bool look)
    {
        if (_hasCanceled || now >= _nextDeadline)
        {
            EndOverdue(now);
        }

        AsyncWait? before = null;
        for (var wait = _first; wait is not null;)
        {
            var next = wait.Next;
            if (wait.State.HasSlept)
            {
                wait.State.Slept(0, look);
            }

            if (Attempt(wait, ref list))
            {
                Unlink(wait, before);
                Service.Ended(wait);
            }
            else
            {
                // Whatever comes of the sleep that follows, this wait has slept.
                wait.State.Slept(now - wait.State.Since, look: false);
                wait.State.Since = now;
                before = wait;
                if (!wakesAll)
                {
                    break;
                }
            }

            wait = next;
        }

        if (_first is not null)
        {
            return Math.Min(_nextDeadline, now + BlockingWait.LookEvery);
        }

        return Idle(ref list);
    }

    /// <summary>Nobody waits any more: the item leaves its thread, so that it takes no wake-up that is meant for another process.</summary>
    protected virtual long Idle(ref SleepList list)
    {
        Thread?.Remove(this);
        return long.MaxValue;
    }

    /// <summary>What a new wait needs of its thread: by default, that it begins to sleep on the words.</summary>
    /// <returns>Whether the wait is over already.</returns>
    protected virtual bool Entered(AsyncWait wait)
    {
        if (Thread is null)
        {
            Service.Add(this);
        }
        else if (wakesAll || _first == wait || !wait.Deadline.IsNever)
        {
            Thread.Disturb();
        }

        return false;
    }

    private AsyncWait<T>? Begin<T>(IWaitTarget<T> target, in WaitState state, Deadline deadline, bool synchronously, CancellationToken token)
    {
        if (deadline == Deadline.Passed)
        {
            return null;
        }

        target.BeforeSleep();
        AsyncWait<T>? wait = null;
        bool isOver;
        lock (Service.Gate)
        {
            if (_kept is AsyncWait<T> kept)
            {
                wait = kept;
                _kept = kept.Next;
                _keptCount--;
            }

            wait ??= new();
            wait.Begin(target, this, state, deadline, synchronously, token);
            wait.State.Since = Deadline.Now;
            wait.Next = null;
            var before = _last;
            if (before is null)
            {
                _first = wait;
            }
            else
            {
                before.Next = wait;
            }

            _last = wait;
            _nextDeadline = Math.Min(_nextDeadline, deadline.Nanoseconds);
            try
            {
                wait.Register();
                isOver = Entered(wait);
            }
            catch
            {
                // No thread could be started, or its wake-up was refused: the caller awaits nothing, so nothing may be taken for it.
                Unlink(wait, before);
                wait.Forget();
                throw;
            }

            if (isOver)
            {
                Unlink(wait, before);
            }
        }

        if (isOver)
        {
            wait.End(WaitOutcome.Taken);
            wait.Publish();
        }

        return wait;
    }

    private static bool Attempt(AsyncWait wait, ref SleepList list)
    {
        try
        {
            var outcome = wait.Target.Attempt(ref wait.State, ref list);
            if (outcome == WaitOutcome.Pending)
            {
                return false;
            }

            wait.End(outcome);
        }
        catch (Exception e)
        {
            GiveUp(wait, e);
        }

        return true;
    }

    private void EndOverdue(long now)
    {
        _hasCanceled = false;
        _nextDeadline = long.MaxValue;
        AsyncWait? before = null;
        for (var wait = _first; wait is not null;)
        {
            var next = wait.Next;
            if (wait.IsCanceled || now >= wait.Deadline.Nanoseconds)
            {
                Leave(wait, before);
            }
            else
            {
                _nextDeadline = Math.Min(_nextDeadline, wait.Deadline.Nanoseconds);
                before = wait;
            }

            wait = next;
        }
    }

    private void Leave(AsyncWait wait, AsyncWait? before)
    {
        Unlink(wait, before);
        Service.Ended(wait);
        GiveUp(wait, wait.IsCanceled ? new OperationCanceledException() : null);
    }

    /// <summary>Ends a wait that is not to go on, unless it has come to its end by then.</summary>
    /// <param name="reason">Why; <see langword="null"/>: the time is up.</param>
    private static void GiveUp(AsyncWait wait, Exception? reason)
    {
        try
        {
            if (wait.Target.GiveUp(ref wait.State) is not WaitOutcome.Pending and var late)
            {
                wait.End(late);
            }
            else if (reason is not null)
            {
                wait.Fail(reason);
            }
            else
            {
                wait.End(WaitOutcome.TimedOut);
            }
        }
        catch (Exception e)
        {
            wait.Fail(reason ?? e);
        }
    }

    private void Unlink(AsyncWait wait, AsyncWait? before)
    {
        if (before is null)
        {
            _first = wait.Next;
        }
        else
        {
            before.Next = wait.Next;
        }

        if (_last == wait)
        {
            _last = before;
        }

        wait.Next = null;
    }
}
