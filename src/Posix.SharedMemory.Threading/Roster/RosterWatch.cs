namespace Posix.SharedMemory.Threading;

/// <summary>Watches the seats of a roster: everything in this process that waits over it learns of each participant that leaves or dies.</summary>
internal sealed class RosterWatch(Seat seat, WaitService service) : ServiceItem(service)
{
    private readonly List<WeakReference<ServiceItem>> _eventCounts = [];
    private ulong[]? _seen;
    private int _nextWitness;
    private volatile bool _isStarted;
    private bool _isStopped;
    private bool _owesNews;

    /// <summary>Somebody has ended. Raised on the thread pool.</summary>
    internal event EventHandler<ParticipantEndedEventArgs>? Ended;

    /// <summary>Begins to watch, if it has not begun yet.</summary>
    internal void Start()
    {
        if (_isStarted)
        {
            return;
        }

        lock (Service.Gate)
        {
            if (!_isStarted && !_isStopped)
            {
                _seen = new ulong[seat.Memory.Seats + 1];
                for (var number = 1; number <= seat.Memory.Seats; number++)
                {
                    _seen[number] = seat.Memory.Read(number);
                }

                Service.Add(this);
                _isStarted = true;
            }
        }
    }

    internal void Stop()
    {
        lock (Service.Gate)
        {
            _isStopped = true;
            Thread?.Remove(this);
        }
    }

    /// <summary>Notifies an event count whenever somebody ends, for as long as it is referenced.</summary>
    internal void Add(ServiceItem word)
    {
        lock (Service.Gate)
        {
            _eventCounts.Add(new(word));
        }
    }

    internal override unsafe long Round(ref SleepList list, long now, bool look)
    {
        var memory = seat.Memory;
        // SAFETY: the word lies in the roster's held bytes. Read before the seats: who joins afterwards changes it.
        list.Add(memory.Joins, Volatile.Read(ref *memory.Joins));
        for (var number = 1; number <= memory.Seats; number++)
        {
            if (number == seat.Number)
            {
                continue;
            }

            var both = memory.Read(number);
            var before = _seen![number];
            if (both != before)
            {
                // First: an end is raised once, also if what follows is refused and comes again in the next round.
                _seen[number] = both;
                if (Compare(number, before, both))
                {
                    _owesNews = true;
                    memory.PassOn(memory.Life(number));
                }
            }

            if (((uint)both & RosterLayout.ThreadMask) != 0)
            {
                list.AddLife(memory.Life(number), (uint)both);
            }
        }

        if (_owesNews)
        {
            Tell();
            _owesNews = false;
        }

        if (look)
        {
            WitnessNext();
        }

        return now + BlockingWait.LookEvery;
    }

    /// <summary>Reports the lives that have ended between two looks at a seat.</summary>
    private bool Compare(int number, ulong before, ulong both)
    {
        uint was = RosterMemory.Incarnation(before), isNow = RosterMemory.Incarnation(both);
        // A process that has not finished joining does not take part yet, and ends unnoticed.
        var lived = ((uint)before & RosterLayout.ThreadMask) != 0 && !RosterLayout.IsJoining(before);
        var lives = ((uint)both & RosterLayout.ThreadMask) != 0;
        var hasEnded = false;
        if (lived && (was != isNow || !lives))
        {
            // How one ended whose seat has another life by now is unknown; told as a death.
            Raise(number, was, died: was != isNow || ((uint)both & RosterLayout.Died) != 0);
            hasEnded = true;
        }

        if ((was != isNow || RosterLayout.IsJoining(before)) && !lives && isNow != 0 && !RosterLayout.IsJoining(both))
        {
            Raise(number, isNow, ((uint)both & RosterLayout.Died) != 0);
            hasEnded = true;
        }

        return hasEnded;
    }

    private void Raise(int number, uint incarnation, bool died)
    {
        if (Ended is { } ended)
        {
            var arguments = new ParticipantEndedEventArgs(Participant.Of(number, incarnation), died);
            ThreadPool.UnsafeQueueUserWorkItem(static pair => pair.ended(null, pair.arguments), (ended, arguments), preferLocal: false);
        }
    }

    /// <summary>Makes everything in this process that waits over the roster look again, at once and by this very thread.</summary>
    private void Tell()
    {
        for (var i = _eventCounts.Count - 1; i >= 0; i--)
        {
            if (_eventCounts[i].TryGetTarget(out var word))
            {
                word.NotifyEnd();
            }
            else
            {
                _eventCounts.RemoveAt(i);
            }
        }

        seat.News.Tell();
    }

    /// <summary>One seat at each look: cheap enough to go on for ever.</summary>
    private void WitnessNext()
    {
        for (var i = 0; i < seat.Memory.Seats; i++)
        {
            _nextWitness = (_nextWitness % seat.Memory.Seats) + 1;
            var both = seat.Memory.Read(_nextWitness);
            if (_nextWitness != seat.Number && ((uint)both & RosterLayout.ThreadMask) != 0)
            {
                seat.Memory.Witness(Participant.Of(_nextWitness, RosterMemory.Incarnation(both)).Value);
                return;
            }
        }
    }
}
