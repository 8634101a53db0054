namespace Posix.SharedMemory.Channels;

/// <summary>Ends calls whose time is up. There is one timer for all of them, set to the earliest: a call with a timeout allocates nothing.</summary>
internal sealed class CallDeadlines(CallSession session) : IDisposable
{
    private Timer? _timer;
    private long _earliest = long.MaxValue;

    /// <summary>A call has begun. Inside the gate.</summary>
    internal void Add(PendingCall call)
    {
        if (call.Deadline < _earliest)
        {
            Set(call.Deadline);
        }
    }

    public void Dispose() => _timer?.Dispose();

    private void Set(long deadline)
    {
        _earliest = deadline;
        _timer ??= new(static deadlines => ((CallDeadlines)deadlines!).Expire(), this, Timeout.Infinite, Timeout.Infinite);
        _timer.Change(Math.Clamp(deadline - Environment.TickCount64, 0, int.MaxValue), Timeout.Infinite);
    }

    private void Expire()
    {
        lock (session.Gate)
        {
            if (session.Failure is not null)
            {
                return;
            }

            var (now, earliest) = (Environment.TickCount64, long.MaxValue);
            // First those that are not sent: one that is given up may let the others go on, and they are in places then.
            for (var item = session.Output.Calls.First; item is PendingCall call; item = call.Queue is null ? session.Output.Calls.First : call.Next)
            {
                Look(call);
            }

            for (var index = 0; index < session.Places.All.Count; index++)
            {
                Look(session.Places.All[index].Call);
            }

            _earliest = long.MaxValue;
            if (earliest != long.MaxValue)
            {
                Set(earliest);
            }

            void Look(PendingCall? call)
            {
                if (call is null || call.IsLed)
                {
                    return;
                }

                if (call.Deadline > now)
                {
                    earliest = Math.Min(earliest, call.Deadline);
                }
                else if (session.TryAbandon(call))
                {
                    call.Set(call.TimedOut());
                    call.Post();
                }
            }
        }
    }
}
