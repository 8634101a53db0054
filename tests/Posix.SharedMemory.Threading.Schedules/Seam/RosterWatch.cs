namespace Posix.SharedMemory.Threading;

/// <summary>Stands in for the library's, whose service thread no scheduler holds: an actor of each process does the same when somebody has died.</summary>
internal sealed class RosterWatch(Seat seat, WaitService service) : ServiceItem(service)
{
    private readonly List<ServiceItem> _eventCounts = [];

#pragma warning disable CS0067 // Nobody subscribes here.
    internal event EventHandler<ParticipantEndedEventArgs>? Ended;
#pragma warning restore CS0067

    internal void Start()
    {
    }

    internal void Stop()
    {
    }

    internal void Add(ServiceItem word) => _eventCounts.Add(word);

    internal override long Round(ref SleepList list, long now, bool look) => long.MaxValue;

    /// <summary>Somebody has died: everything in this process that waits over the roster looks again.</summary>
    internal void Tell()
    {
        foreach (var word in _eventCounts)
        {
            word.NotifyEnd();
        }

        seat.News.Tell();
    }
}
