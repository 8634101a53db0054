using Posix.SharedMemory.Threading.Interop;

namespace Posix.SharedMemory.Threading;

/// <summary>A thread that sleeps on the words of many waits, and looks at all of them whenever one changes. It never runs user code unless asked to.</summary>
internal sealed class ServiceThread
{
    /// <summary>So many words the kernel takes. Most items name fewer; a thread on which one finds no room beside others hands it on.</summary>
    private const int MostWords = Linux.FUTEX_WAITV_MAX;

    /// <summary>How often to look at what found no room in the sleep, while no further thread can be started.</summary>
    private const long WithoutRoom = 50_000_000;

    private readonly WaitService _service;
    private readonly News _control;
    private readonly List<ServiceItem> _items = [];
    private readonly List<ServiceItem> _moving = [];
    private readonly List<AsyncWait> _ended = [];
    private volatile bool _isStopped;

    [ThreadStatic]
    private static bool t_isCurrent;

    private ServiceThread(WaitService service)
    {
        _service = service;
        _control = new(service.Kernel);
    }

    /// <summary>Gets whether the calling thread is a service thread, which may have a robust list of its own.</summary>
    internal static bool IsCurrent => t_isCurrent;

    /// <summary>Starts a thread.</summary>
    /// <param name="list">What the kernel marks when the thread ends.</param>
    internal static ServiceThread Start(WaitService service, string name, RobustList? list = null)
    {
        var thread = new ServiceThread(service);
        service.Kernel.StartThread(new(() => thread.Run(list), 256 << 10) { IsBackground = true, Name = name });
        return thread;
    }

    /// <summary>Begins to serve an item; if it cannot be woken for it, nothing has changed. Under the service's lock.</summary>
    internal void Add(ServiceItem item)
    {
        var before = item.Thread;
        item.Thread = this;
        _items.Add(item);
        try
        {
            _control.Tell();
        }
        catch
        {
            item.Thread = before;
            _items.Remove(item);
            throw;
        }
    }

    /// <summary>Stops to serve an item. Under the service's lock. Its words stay mapped until the sleep that names them has ended.</summary>
    internal void Remove(ServiceItem item)
    {
        item.Thread = null;
        _items.Remove(item);
        _control.Tell();
    }

    /// <summary>Another thread serves an item from now on. Under the service's lock, by this thread.</summary>
    internal void HandOver(ServiceItem item) => _items.Remove(item);

    /// <summary>Makes the thread look again.</summary>
    internal void Disturb() => _control.Tell();

    /// <summary>Ends the thread, which serves nothing any more.</summary>
    internal void Stop()
    {
        _isStopped = true;
        _control.Tell();
    }

    private void Run(RobustList? list)
    {
        t_isCurrent = true;
        list?.Begin();
        if (list is not null)
        {
            // It takes some milliseconds, during which whoever started this thread prepares the rest of its joining.
            _ = _service.IsRegisteredForFences;
        }

        var space = new LinuxFutexWaitv[MostWords];
        // What the sleep names stays referenced, and so mapped, until the next round is over.
        ServiceItem[] named = [];
        var look = false;
        var looked = Deadline.Now;
        while (!_isStopped)
        {
            var told = _control.Read();
            var words = new SleepList(space);
            _control.AddTo(ref words, told);
            var until = Round(ref words, look, ref named);
            foreach (var wait in _ended)
            {
                wait.Publish();
            }

            if (_ended.Count > 0 || words.IsToRetry)
            {
                // Awaiters that ran at once may have begun new waits, or changed what was looked at.
                _ended.Clear();
                look = false;
                continue;
            }

            // A sleep that is cut into slices, or ends for other reasons again and again, comes to a look as well.
            look = !Sleep(ref words, until) || Deadline.Now - looked >= BlockingWait.LookEvery;
            looked = look ? Deadline.Now : looked;
            GC.KeepAlive(named);
        }

        list?.End();
    }

    private long Round(ref SleepList list, bool look, ref ServiceItem[] named)
    {
        var until = long.MaxValue;
        lock (_service.Gate)
        {
            var now = Deadline.Now;
            // A copy: an item that has nothing left to do removes itself.
            if (named.Length != _items.Count || !named.AsSpan().SequenceEqual(System.Runtime.InteropServices.CollectionsMarshal.AsSpan(_items)))
            {
                named = [.. _items];
            }

            foreach (var item in named)
            {
                var count = list.Count;
                until = Math.Min(until, RoundOf(item, ref list, now, look));
                if (list.IsFull && count > 1)
                {
                    list.Truncate(count);
                    _moving.Add(item);
                }
            }

            foreach (var item in _moving)
            {
                if (item.Thread == this && !TryMove(item))
                {
                    until = Math.Min(until, now + WithoutRoom);
                }
            }

            _moving.Clear();
            _service.TakeEnded(_ended);
        }

        return until;
    }

    private bool TryMove(ServiceItem item)
    {
        try
        {
            _service.Move(item, this);
            return true;
        }
        catch (Exception e) when (e is OutOfMemoryException or SharedMemoryException)
        {
            // No further thread: this one goes on looking at the item, and tries again.
            return false;
        }
    }

    private static long RoundOf(ServiceItem item, ref SleepList list, long now, bool look)
    {
        try
        {
            return item.Round(ref list, now, look);
        }
        catch (SharedMemoryException)
        {
            // One wake-up was refused: the other items go on, and this one looks again in a second.
            return now + BlockingWait.LookEvery;
        }
    }

    private bool Sleep(ref SleepList list, long until)
    {
        try
        {
            var ended = _service.Kernel.Sleep(ref list, until);
            list.PassOnEnds(_service.Kernel);
            return ended;
        }
        catch (SharedMemoryException)
        {
            // A word is no longer there: somebody cut its object off. The others go on, by looks.
            Thread.Sleep(TimeSpan.FromMilliseconds(50));
            return false;
        }
    }
}
