namespace Posix.SharedMemory.Threading;

/// <summary>Watches the seats of a roster: everything in this process that waits over it learns of each participant that leaves or dies.</summary>
internal sealed class RosterWatch(Seat seat, WaitService service)
{
    /// <summary>So many lives one item names: where more live, further items have threads of their own.</summary>
    private const int SeatsPerItem = 100;

    private readonly List<WeakReference<ServiceItem>> _eventCounts = [];
    private SeatsWatch[] _parts = [];
    private ulong[]? _seen;
    private int _nextWitness;
    private volatile bool _isStarted;
    private bool _isStopped;
    private bool _owesNews;
    private volatile bool _isHeldBack;
    private int _raised;

    /// <summary>
    /// Gets or sets how many ends are raised at once at most, more than a roster has seats. While so many handlers have not returned, further ends wait in the seats: a process that does nothing else
    /// than write them fills no queue.
    /// </summary>
    internal static int MostRaised { get; set; } = 2 * RosterLayout.MostSeats;

    /// <summary>Gets whether ends wait until handlers have returned.</summary>
    internal bool IsHeldBack => _isHeldBack;

    /// <summary>Somebody has ended. Raised on the thread pool.</summary>
    internal event EventHandler<ParticipantEndedEventArgs>? Ended;

    /// <summary>Begins to watch, if it has not begun yet.</summary>
    internal void Start()
    {
        if (_isStarted)
        {
            return;
        }

        seat.RefuseObserver();
        lock (service.Gate)
        {
            if (!_isStarted && !_isStopped)
            {
                _seen = new ulong[seat.Memory.Seats + 1];
                for (var number = 1; number <= seat.Memory.Seats; number++)
                {
                    _seen[number] = seat.Memory.Read(number);
                }

                _parts = new SeatsWatch[((seat.Memory.Seats - 1) / SeatsPerItem) + 1];
                for (var i = 0; i < _parts.Length; i++)
                {
                    _parts[i] = new(this, service, (i * SeatsPerItem) + 1, Math.Min(seat.Memory.Seats, (i + 1) * SeatsPerItem));
                    service.Add(_parts[i]);
                }

                _isStarted = true;
            }
        }
    }

    internal void Stop()
    {
        lock (service.Gate)
        {
            _isStopped = true;
            foreach (var part in _parts)
            {
                part.Thread?.Remove(part);
            }
        }
    }

    /// <summary>Notifies an event count whenever somebody ends, for as long as it is referenced.</summary>
    internal void Add(ServiceItem word)
    {
        lock (service.Gate)
        {
            _eventCounts.Add(new(word));
        }
    }

    /// <summary>Looks at some seats, and names the lives of those who are in them.</summary>
    private unsafe long Round(int first, int last, ref SleepList list, long now, bool look)
    {
        var memory = seat.Memory;
        // SAFETY: the word lies in the roster's held bytes. Read before the seats: who joins afterwards changes it.
        list.Add(memory.Joins, Volatile.Read(ref *memory.Joins));
        for (var number = first; number <= last; number++)
        {
            if (number == seat.Number)
            {
                continue;
            }

            var both = memory.Read(number);
            if (both != _seen![number])
            {
                Change(number, both);
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

        if (look && first == 1)
        {
            WitnessNext();
        }

        return now + BlockingWait.LookEvery;
    }

    private bool IsFull()
    {
        if (Volatile.Read(ref _raised) < MostRaised)
        {
            return false;
        }

        _isHeldBack = true;
        // SYNC watch.heldback: pairs with RunHandlers. The mark first, then the number once more: a handler that has not seen the mark has been taken off the number.
        Interlocked.MemoryBarrier();
        return Volatile.Read(ref _raised) >= MostRaised;
    }

    private unsafe void Change(int number, ulong both)
    {
        if (Ended is not null && IsFull())
        {
            // Whatever waits looks again all the same.
            _owesNews = true;
            seat.Memory.PassOn(seat.Memory.Life(number));
            return;
        }

        // First: an end is raised once, also if what follows is refused and comes again in the next round.
        var before = _seen![number];
        _seen[number] = both;
        if (Compare(number, before, both))
        {
            _owesNews = true;
            // SAFETY: an address is handed on; the seat lies in the roster's held bytes.
            seat.Memory.PassOn(seat.Memory.Life(number));
        }
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
            Interlocked.Increment(ref _raised);
            ThreadPool.UnsafeQueueUserWorkItem(static raising => raising.watch.RunHandlers(raising.ended, raising.arguments), (watch: this, ended, arguments), preferLocal: false);
        }
    }

    private void RunHandlers(EventHandler<ParticipantEndedEventArgs> ended, ParticipantEndedEventArgs arguments)
    {
        try
        {
            ended(null, arguments);
        }
        finally
        {
            // SYNC watch.heldback: pairs with IsFull.
            Interlocked.Decrement(ref _raised);
            if (_isHeldBack)
            {
                lock (service.Gate)
                {
                    _isHeldBack = false;
                    foreach (var part in _parts)
                    {
                        part.Thread?.Disturb();
                    }
                }
            }
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

    /// <summary>Some of the seats, in the order of their numbers.</summary>
    private sealed class SeatsWatch(RosterWatch watch, WaitService service, int first, int last) : ServiceItem(service)
    {
        internal override long Round(ref SleepList list, long now, bool look) => watch.Round(first, last, ref list, now, look);
    }
}
