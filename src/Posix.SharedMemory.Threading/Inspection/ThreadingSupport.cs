namespace Posix.SharedMemory.Threading;

/// <summary>What the kernel, the container and the C library allow this process. Everything works without most of it, by slower ways: for tools and logs.</summary>
/// <example>
/// <code>
/// if (!ThreadingSupport.Get().DeathsAreMarked)
/// {
///     Console.WriteLine("This sandbox refuses set_robust_list: deaths are found a second late.");
/// }
/// </code>
/// </example>
public sealed record ThreadingSupport
{
    private ThreadingSupport()
    {
    }

    /// <summary>
    /// Gets whether rosters, and the locks over them, work here at all: 64-bit little-endian Linux. Words, events and plain semaphores work on macOS 14.4 and FreeBSD, too; this is false there.
    /// </summary>
    public bool IsSupported { get; private init; }

    /// <summary>
    /// Gets whether a waiter can sleep on several words at once (<c>futex_waitv</c>, Linux 5.16). Otherwise sleeps are cut into slices of 50 milliseconds, and deaths and cancellation are found
    /// at the end of a slice.
    /// </summary>
    public bool CanSleepOnSeveralWords { get; private init; }

    /// <summary>Gets whether <c>membarrier</c> can be called. Otherwise notifications cost a fence each, and taking over from a dead owner 10 milliseconds.</summary>
    public bool CanFence { get; private init; }

    /// <summary>
    /// Gets whether the kernel marks the death of a process (<c>set_robust_list</c>). Otherwise processes of the same PID namespace find it within a second; those of other PID namespaces never do.
    /// </summary>
    public bool DeathsAreMarked { get; private init; }

    /// <summary>Gets what can be used here, by trying.</summary>
    public static ThreadingSupport Get() => Get(Kernel.Current);

    internal static unsafe ThreadingSupport Get(Kernel kernel)
    {
        // SAFETY: an address is handed on; what it points to is held as long as this object is.
        if (kernel.WhyNoSeats is not null)
        {
            return new();
        }

        return new()
        {
            IsSupported = true,
            CanSleepOnSeveralWords = TrySleep(kernel),
            CanFence = kernel.RegisterForFences() && kernel.FenceAll(),
            DeathsAreMarked = TryRobustList(kernel),
        };
    }

    private static unsafe bool TrySleep(Kernel kernel)
    {
        var words = stackalloc uint[2];
        var space = new Interop.LinuxFutexWaitv[2];
        var list = new SleepList(space);
        // SAFETY: the words lie on the stack for the time of the call. They differ from the values: the kernel looks, and returns.
        words[0] = words[1] = 0;
        list.AddPrivate(words, 1);
        list.AddPrivate(words + 1, 1);
        kernel.Sleep(ref list, 0);
        return kernel.CanWaitForMany;
    }

    private static unsafe bool TryRobustList(Kernel kernel)
    {
        // SAFETY: an address is handed on; what it points to is held as long as this object is.
        var isTaken = false;
        // A thread of its own: the list of the caller belongs to the C library. Taking the list away is refused where giving one is.
        var thread = new Thread(() => isTaken = kernel.SetRobustList(null));
        thread.UnsafeStart();
        thread.Join();
        return isTaken;
    }
}
