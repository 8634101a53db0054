namespace Posix.SharedMemory.Threading;

/// <summary>Sleeps on behalf of everything in this process that waits without a thread: one thread, and further ones where the words are many.</summary>
internal sealed class WaitService
{
    private readonly List<ServiceThread> _threads = [];
    private readonly List<AsyncWait> _ended = [];
    private readonly Lazy<bool> _registration;

    internal WaitService(Kernel kernel)
    {
        Kernel = kernel;
        _registration = new(kernel.RegisterForFences);
    }

    internal Kernel Kernel { get; }

    /// <summary>Gets whether this process answers to expedited fences: registered once, which takes some milliseconds.</summary>
    internal bool IsRegisteredForFences => _registration.Value;

    /// <summary>Gets the lock over the queues, the items and the threads.</summary>
    internal Lock Gate { get; } = new();

    /// <summary>Waits on one more thread, which somebody else has started. Under <see cref="Gate"/>.</summary>
    internal void Add(ServiceThread thread) => _threads.Add(thread);

    /// <summary>Begins to serve an item. Under <see cref="Gate"/>.</summary>
    internal void Add(ServiceItem item)
    {
        if (item.Thread is not null)
        {
            return;
        }

        if (_threads.Count == 0)
        {
            _threads.Add(ServiceThread.Start(this, "shm wait"));
        }

        // The first has room as a rule; where it has none, it moves the item on.
        _threads[0].Add(item);
    }

    /// <summary>Finds another thread for an item whose words found no room; if that fails, it stays where it is. Under <see cref="Gate"/>.</summary>
    internal void Move(ServiceItem item, ServiceThread from)
    {
        var place = _threads.IndexOf(from) + 1;
        if (place == _threads.Count)
        {
            _threads.Add(ServiceThread.Start(this, "shm wait"));
        }

        _threads[place].Add(item);
        from.HandOver(item);
    }

    /// <summary>Notes a wait that has ended; its awaiter continues when the lock is free. Under <see cref="Gate"/>.</summary>
    internal void Ended(AsyncWait wait) => _ended.Add(wait);

    /// <summary>Takes what has ended since the last time. Under <see cref="Gate"/>.</summary>
    internal void TakeEnded(List<AsyncWait> into)
    {
        into.AddRange(_ended);
        _ended.Clear();
    }
}
