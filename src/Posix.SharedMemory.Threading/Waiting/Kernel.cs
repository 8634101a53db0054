namespace Posix.SharedMemory.Threading;

/// <summary>What the operating system can do for waiting, in C# verbs. Interrupted calls and errno end here, and tests make each call fail here.</summary>
internal abstract class Kernel
{
    // SAFETY: addresses are handed on: whoever calls holds what they point to.
    /// <summary>Said of systems that let processes wait, but mark no deaths; the system's name follows.</summary>
    protected const string NoMarks = "Rosters, and the locks over them, need a kernel that marks the seats of processes that die, as Linux does. SharedWord, SharedEvent, SharedSemaphore and " +
        "SharedWait work without one; to exclude other processes, lock a file (FileStream.Lock): it is free again when its owner dies. This system is ";

    /// <summary>How long a sleep lasts where only one of several words can be slept on.</summary>
    private const long Slice = 50_000_000;

    private readonly Lazy<WaitService> _service;
    private readonly Lazy<News> _news;

    protected Kernel()
    {
        _service = new(() => new(this));
        _news = new(() => new(this));
    }

    /// <summary>Gets or sets the kernel of this machine. A test puts another in its place before anything waits.</summary>
    internal static Kernel Current { get; set; } =
        !Environment.Is64BitProcess || !BitConverter.IsLittleEndian ? new UnsupportedKernel()
        : OperatingSystem.IsLinux() ? new LinuxKernel()
        : OperatingSystem.IsMacOSVersionAtLeast(14, 4) ? new MacKernel()
        : OperatingSystem.IsFreeBSD() ? new FreeBsdKernel()
        : new UnsupportedKernel();

    /// <summary>Gets what waits for the process's asynchronous callers.</summary>
    internal WaitService Service => _service.Value;

    /// <summary>Gets the news of waits that belong to no roster.</summary>
    internal News News => _news.Value;

    /// <summary>Gets whether several words can be slept on at once; otherwise sleeps are cut into slices.</summary>
    internal abstract bool CanWaitForMany { get; }

    /// <summary>Gets why no roster can be joined on this system, as a text for people; <see langword="null"/>: it can.</summary>
    internal virtual string? WhyNoSeats => null;

    /// <summary>Makes sure that rosters work here, before anything is created or written.</summary>
    /// <exception cref="PlatformNotSupportedException">This system does not mark the seats of processes that die.</exception>
    internal void RequireSeats()
    {
        if (WhyNoSeats is { } reason)
        {
            throw new PlatformNotSupportedException(reason);
        }
    }

    /// <summary>Registers this process as one that <see cref="FenceAll"/> reaches. False: refused.</summary>
    internal abstract bool RegisterForFences();

    /// <summary>Makes every running thread of the registered processes pass a full fence. False: refused.</summary>
    internal abstract bool FenceAll();

    /// <summary>Sleeps until one of the words no longer has its value, or is woken. False: the deadline passed. May return without cause.</summary>
    internal abstract bool Sleep(ref SleepList list, long deadline);

    /// <summary>Wakes sleepers of a word.</summary>
    /// <returns>How many there were.</returns>
    internal abstract unsafe int Wake(uint* word, int count, bool isPrivate = false);

    /// <summary>Changes a word and wakes sleepers of it, in one call where the system has one: no kill falls between.</summary>
    /// <returns>How many there were.</returns>
    /// <exception cref="SharedMemoryException">The wake-up was refused. The word is changed.</exception>
    internal abstract unsafe int ChangeAndWake(uint* word, WordChange change, int argument, int count);

    /// <summary>Maps a page of shared memory for the list that the kernel reads when a thread ends.</summary>
    internal abstract unsafe byte* MapPages(int count);

    internal abstract unsafe void UnmapPages(byte* first, int count);

    /// <summary>Maps a page of a shared mapping a second time, over an existing page.</summary>
    /// <exception cref="SharedMemoryException">EINVAL: the mapping is private, or consists of huge pages.</exception>
    internal abstract unsafe void AliasPage(byte* page, byte* alias);

    /// <summary>Gives the calling thread its list of words to mark when it ends. False: refused.</summary>
    internal abstract unsafe bool SetRobustList(byte* head);

    /// <summary>Whether there is a process or a thread of this number in this PID namespace. True, too, where the system does not say.</summary>
    internal abstract bool Exists(int number);

    /// <summary>Gets the calling thread's number in its own PID namespace; −1 where a filter refuses to say.</summary>
    internal abstract int GetThreadId();

    /// <summary>Starts a thread of the library.</summary>
    /// <exception cref="OutOfMemoryException">The process or its control group may have no more threads, or there is no memory for its stack.</exception>
    internal virtual void StartThread(Thread thread) => thread.UnsafeStart();

    /// <summary>Sleeps until the first of the words no longer has its value, or is woken. False: the deadline passed. May return without cause.</summary>
    protected abstract bool SleepOnFirst(ref SleepList list, long deadline);

    /// <summary>Changes a word, then wakes sleepers of it. A process that is killed between the two leaves its sleepers to their next look, a second later at most.</summary>
    protected unsafe int ChangeThenWake(uint* word, WordChange change, int argument, int count)
    {
        // SAFETY: the caller holds the word.
        ref var value = ref *word;
        _ = change switch
        {
            WordChange.SetBit => Interlocked.Exchange(ref value, 1u << argument),
            WordChange.Add => Interlocked.Add(ref value, (uint)argument),
            _ => Interlocked.Or(ref value, (uint)argument),
        };
        return Wake(word, count);
    }

    /// <summary>Sleeps on the first of several words for a while: whoever calls then looks at the others.</summary>
    protected bool SleepForASlice(ref SleepList list, long deadline)
    {
        var slice = Math.Min(deadline, Deadline.Now + Slice);
        return SleepOnFirst(ref list, slice) || slice < deadline;
    }
}
