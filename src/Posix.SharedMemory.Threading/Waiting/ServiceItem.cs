namespace Posix.SharedMemory.Threading;

/// <summary>Something that a service thread watches: it names its words in every round.</summary>
internal abstract class ServiceItem(WaitService service)
{
    /// <summary>Gets or sets the thread that serves it; <see langword="null"/> while none does. Under the service's lock.</summary>
    internal ServiceThread? Thread { get; set; }

    protected WaitService Service { get; } = service;

    /// <summary>Looks at what is watched, and names the words of the next sleep. Under the service's lock.</summary>
    /// <returns>When it wants to look again at the latest.</returns>
    internal abstract long Round(ref SleepList list, long now, bool look);

    /// <summary>Somebody has ended: whatever waits here for a change that a dead one will not make looks again. Under the service's lock.</summary>
    internal virtual void NotifyEnd()
    {
        // Most items name the lives of those they wait for.
    }
}
