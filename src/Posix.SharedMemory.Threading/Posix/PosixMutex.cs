using System.Collections.Concurrent;
using Posix.SharedMemory.Threading.Interop;

namespace Posix.SharedMemory.Threading;

/// <summary>A POSIX mutex, in the bytes of the C library: robust and shared between processes, for partners that use <c>pthread_mutex_t</c>.</summary>
/// <remarks>
/// The C library enters and leaves, so partners in C notice no difference. Where all partners can choose, <see cref="SharedMutex"/> is better: this one is bound to a thread,
/// cannot be awaited, is not safe between PID namespaces, and all who share it trust each other and use the same C library (glibc 2.34 or later, or musl; 64-bit Linux).
/// A death has the same outcomes as there: every entry reports it until it is repaired, and the mutex stays usable until it is retired.
/// <see href="https://man7.org/linux/man-pages/man3/pthread_mutexattr_setrobust.3.html">pthread_mutexattr_setrobust(3)</see>
/// </remarks>
/// <example>
/// <code>
/// var shared = PosixMutex.At(map, offset: 4096);
/// using (PosixMutexHold hold = shared.Enter(repair: () =&gt; map.GetSpan(8192, 4096).Clear()))
/// {
///     map.GetReference&lt;long&gt;(8192)++;
/// }
/// </code>
/// </example>
public sealed class PosixMutex
{
    // SAFETY: _mutex lies in _bytes, which this object holds; calls into the C library are followed by a use of this object.

    /// <summary>How many bytes to reserve for a POSIX mutex, at a multiple of 8: enough for every C library. The mutex itself takes 40 bytes, and 48 with glibc on arm64.</summary>
    public const int Size = 64;

    /// <summary>How late a cancelled wait ends at most: the C library's wait cannot be interrupted.</summary>
    private const long Slice = 50_000_000;

    private readonly HeldBytes _bytes;
    private readonly unsafe byte* _mutex;
    private readonly PosixMutexLayout _layout;
    private EntryTicket _ticket;
    private bool _isUnrepaired;
    private PosixMutex? _before;
    private PosixMutex? _after;

    private static volatile bool s_lacksClockLock;

    /// <summary>Of mutexes that could not be left.</summary>
    private static readonly ConcurrentBag<HeldBytes> s_lost = [];

    /// <summary>What this thread is inside of stands on the C library's list of the thread: it stays mapped as long, whatever becomes of the object that was entered.</summary>
    [ThreadStatic]
    private static PosixMutex? t_first;

    private unsafe PosixMutex(MemoryMapping mapping, long offset)
    {
        // SAFETY: an address is handed on; what it points to is held as long as this object is.
        _layout = PosixMutexLayout.Current;
        _bytes = HeldBytes.Take(mapping, offset, PosixMutexLayout.NativeSize, alignment: 8);
        _mutex = _bytes.First;
        Claim(offset);
    }

    /// <summary>Gets whether a thread holds the mutex. A snapshot: it may be out of date when it is returned.</summary>
    public bool IsHeld => (Word & Linux.FUTEX_TID_MASK) is not (0 or Linux.FUTEX_TID_MASK);

    /// <summary>Gets whether an owner died, and no thread has entered since to repair what it left. A snapshot: it may be out of date when it is returned.</summary>
    public bool IsInconsistent => Word is var word && (word & Linux.FUTEX_OWNER_DIED) != 0 && (word & Linux.FUTEX_TID_MASK) == 0;

    private unsafe uint Word
    {
        get
        {
            // SAFETY: the word lies in the held bytes.
            var word = Volatile.Read(ref *(uint*)(_mutex + _layout.WordOffset));
            GC.KeepAlive(this);
            return word;
        }
    }

    /// <summary>The mutex at a place of a mapping. Bytes that are zero become a mutex as <c>pthread_mutex_init</c> would make it: robust, shared, normal.</summary>
    /// <param name="mapping">A shared mapping for reading and writing.</param>
    /// <param name="offset">A multiple of 8, in bytes.</param>
    /// <exception cref="InvalidDataException">The bytes are something else, or a mutex that is not robust, not shared, recursive or with priorities.</exception>
    /// <exception cref="PlatformNotSupportedException">The C library's mutexes are not those of glibc or musl.</exception>
    /// <exception cref="ArgumentException">The offset is not a multiple of 8, or the mapping is read-only.</exception>
    /// <exception cref="ArgumentOutOfRangeException">The mutex is not inside the mapping.</exception>
    public static PosixMutex At(MemoryMapping mapping, long offset) => new(mapping, offset);

    /// <summary>Enters; waits as long as it takes.</summary>
    /// <param name="cancellationToken">Ends the wait, at most 50 milliseconds late.</param>
    /// <exception cref="OwnerDiedException">The last owner died inside, and what it left has not been repaired since. The mutex is not held, and the next entry throws too.</exception>
    /// <exception cref="RetiredException">The mutex is not recoverable: it was retired, or a C program left it unrepaired (<c>ENOTRECOVERABLE</c>).</exception>
    /// <exception cref="LockRecursionException">This thread is inside already.</exception>
    /// <exception cref="InvalidOperationException">This is the thread that waits for asynchronous callers (<see cref="SharedEventCount.AllowSynchronousContinuations"/>).</exception>
    /// <exception cref="OperationCanceledException">The token was cancelled.</exception>
    /// <exception cref="SharedMemoryException">The C library refused for another reason.</exception>
    /// <remarks><see href="https://man7.org/linux/man-pages/man3/pthread_mutex_lock.3p.html">pthread_mutex_lock(3p)</see></remarks>
    public PosixMutexHold Enter(CancellationToken cancellationToken = default) => Enter(EntryMode.RefuseUnrepaired, Deadline.Never, cancellationToken);

    /// <summary>Enters; if the last owner died inside, repairs first what it left.</summary>
    /// <param name="repair">Runs inside. If it throws, the mutex is left unrepaired, and the exception comes out.</param>
    /// <param name="cancellationToken">Ends the wait, at most 50 milliseconds late.</param>
    /// <exception cref="RetiredException">The mutex is not recoverable.</exception>
    /// <exception cref="LockRecursionException">This thread is inside already.</exception>
    /// <exception cref="OperationCanceledException">The token was cancelled.</exception>
    public PosixMutexHold Enter(Action repair, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(repair);
        var hold = EnterUnrepaired(cancellationToken);
        if (hold.OwnerDied)
        {
            try
            {
                repair();
                hold.MarkConsistent();
            }
            catch
            {
                hold.Dispose();
                throw;
            }
        }

        return hold;
    }

    /// <summary>Enters also after an owner's death: <see cref="PosixMutexHold.OwnerDied"/> reports it. For callers that decide themselves what to do.</summary>
    /// <inheritdoc cref="Enter(Action, CancellationToken)"/>
    public PosixMutexHold EnterUnrepaired(CancellationToken cancellationToken = default) => Enter(EntryMode.AcceptUnrepaired, Deadline.Never, cancellationToken);

    /// <summary>Enters if no living thread holds the mutex; never waits.</summary>
    /// <returns>Whether it was entered; false: a thread holds it, which may be this one.</returns>
    /// <inheritdoc cref="Enter(CancellationToken)"/>
    public bool TryEnter(out PosixMutexHold hold)
    {
        hold = Enter(EntryMode.RefuseUnrepaired, Deadline.Passed, CancellationToken.None);
        return hold.Mutex is not null;
    }

    /// <summary>Enters if no living thread holds the mutex, also after an owner's death: <see cref="PosixMutexHold.OwnerDied"/> reports it. Never waits.</summary>
    /// <returns>Whether it was entered; false: a thread holds it, which may be this one.</returns>
    /// <inheritdoc cref="Enter(Action, CancellationToken)"/>
    public bool TryEnterUnrepaired(out PosixMutexHold hold)
    {
        hold = Enter(EntryMode.AcceptUnrepaired, Deadline.Passed, CancellationToken.None);
        return hold.Mutex is not null;
    }

    /// <summary>Enters, unless that takes longer than a timeout.</summary>
    /// <returns>Whether it was entered; false: the time is up.</returns>
    /// <exception cref="ArgumentOutOfRangeException">The timeout is negative, but not <see cref="Timeout.InfiniteTimeSpan"/>.</exception>
    /// <inheritdoc cref="Enter(CancellationToken)"/>
    public bool TryEnter(TimeSpan timeout, out PosixMutexHold hold, CancellationToken cancellationToken = default)
    {
        hold = Enter(EntryMode.RefuseUnrepaired, Deadline.After(timeout), cancellationToken);
        return hold.Mutex is not null;
    }

    internal bool IsCurrent(long ticket) => _ticket.IsCurrent(ticket);

    internal unsafe void MarkConsistent()
    {
        // SAFETY: an address is handed on; what it points to is held as long as this object is.
        if (!_isUnrepaired)
        {
            return;
        }

        var error = Libc.pthread_mutex_consistent(_mutex);
        GC.KeepAlive(this);
        if (error != 0)
        {
            throw new SharedMemoryException((Errno)error, "pthread_mutex_consistent");
        }

        _isUnrepaired = false;
    }

    internal void Retire(long ticket)
    {
        if (!_isUnrepaired)
        {
            throw new InvalidOperationException("A POSIX mutex can be retired only after the death of an owner, before it is marked consistent.");
        }

        // Left without being made consistent: so says POSIX.
        _isUnrepaired = false;
        _ticket.TryEnd(ticket);
        Unlink();
        GiveBack(isHandedBack: false);
    }

    internal unsafe void Leave(long ticket)
    {
        // SAFETY: an address is handed on; what it points to is held as long as this object is.
        if (!_ticket.TryEnd(ticket))
        {
            return;
        }

        // Before the mutex is free: the next to enter it, on another thread, links this object into its own list.
        Unlink();
        var isHandedBack = _isUnrepaired;
        _isUnrepaired = false;
        GiveBack(isHandedBack);
    }

    /// <summary>Leaves the mutex, which is on no list of this class any more.</summary>
    private unsafe void GiveBack(bool isHandedBack)
    {
        // SAFETY: an address is handed on; what it points to is held as long as this object is.
        try
        {
            if (isHandedBack)
            {
                _layout.HandBack(_mutex);
                GC.KeepAlive(this);
            }
            else
            {
                Unlock();
            }
        }
        catch (Exception e) when (!isHandedBack || e is not SharedMemoryException)
        {
            // It may still be on the C library's list of this thread, which is written through: it stays mapped. Where only a wake-up was refused, it is on none.
            s_lost.Add(_bytes);
            throw;
        }
    }

    private unsafe void Unlock()
    {
        // SAFETY: an address is handed on; what it points to is held as long as this object is.
        var error = Libc.pthread_mutex_unlock(_mutex);
        GC.KeepAlive(this);
        if (error != 0)
        {
            throw error == Linux.EPERM ? new LockLostException("This thread no longer holds the POSIX mutex: its bytes were overwritten, or initialized a second time.")
                : new SharedMemoryException((Errno)error, "pthread_mutex_unlock");
        }
    }

    private unsafe PosixMutexHold Enter(EntryMode mode, Deadline deadline, CancellationToken cancellationToken)
    {
        // SAFETY: an address is handed on; what it points to is held as long as this object is.
        cancellationToken.ThrowIfCancellationRequested();
        if (ServiceThread.IsCurrent)
        {
            throw new InvalidOperationException("A POSIX mutex cannot be entered on the thread that waits for asynchronous callers: the C library's list of its mutexes is not in force there.");
        }

        var error = deadline == Deadline.Passed ? Try() : Wait(deadline, cancellationToken);
        GC.KeepAlive(this);
        switch (error)
        {
            case 0:
                return Begin(0);
            case Linux.EOWNERDEAD when mode == EntryMode.AcceptUnrepaired:
                return Begin(EntryTicket.DeathBit);
            case Linux.EOWNERDEAD:
                _layout.HandBack(_mutex);
                GC.KeepAlive(this);
                throw new OwnerDiedException();
            case Linux.ENOTRECOVERABLE:
                throw new RetiredException();
            case Linux.ETIMEDOUT:
                return default;
            case Linux.EDEADLK:
                throw Recursion();
            default:
                throw new SharedMemoryException((Errno)error, "pthread_mutex_lock");
        }
    }

    private PosixMutexHold Begin(long death)
    {
        _isUnrepaired = death != 0;
        _before = null;
        _after = t_first;
        if (_after is not null)
        {
            _after._before = this;
        }

        t_first = this;
        return new(this, _ticket.Begin(Environment.CurrentManagedThreadId, death));
    }

    private void Unlink()
    {
        if (_before is null)
        {
            t_first = _after;
        }
        else
        {
            _before._after = _after;
        }

        if (_after is not null)
        {
            _after._before = _before;
        }

        _before = _after = null;
    }

    // Not pthread_mutex_trylock: that of glibc leaves a mutex that is not recoverable locked, and whoever waits for it afterwards waits for ever.
    private int Try() => IsHeld ? Linux.ETIMEDOUT : WaitUntil(0) is not Linux.EDEADLK and var error ? error : Linux.ETIMEDOUT;

    private unsafe int Wait(Deadline deadline, CancellationToken cancellationToken)
    {
        // SAFETY: an address is handed on; what it points to is held as long as this object is.
        if (IsHeld && (Word & Linux.FUTEX_TID_MASK) == (uint)Kernel.Current.GetThreadId())
        {
            throw Recursion();
        }

        if (deadline.IsNever && !cancellationToken.CanBeCanceled)
        {
            return Libc.pthread_mutex_lock(_mutex);
        }

        while (true)
        {
            var until = Math.Min(deadline.Nanoseconds, Deadline.Now + Slice);
            var error = WaitUntil(until);
            if (error != Linux.ETIMEDOUT || until == deadline.Nanoseconds)
            {
                return error;
            }

            cancellationToken.ThrowIfCancellationRequested();
        }
    }

    private unsafe int WaitUntil(long instant)
    {
        if (!s_lacksClockLock)
        {
            try
            {
                var monotonic = new LinuxTimespec { tv_sec = instant / Deadline.Second, tv_nsec = instant % Deadline.Second };
                // SAFETY: the time lies on the stack for the call; the mutex in the held bytes.
                return Libc.pthread_mutex_clocklock(_mutex, Linux.CLOCK_MONOTONIC, &monotonic);
            }
            catch (EntryPointNotFoundException)
            {
                // musl knows the clock of the wall only. Its jumps move the end of one slice.
                s_lacksClockLock = true;
            }
        }

        var left = Math.Max(0, instant - Deadline.Now);
        var ticks = (TimeProvider.System.GetUtcNow() - DateTimeOffset.UnixEpoch).Ticks + (left / TimeSpan.NanosecondsPerTick);
        var wall = new LinuxTimespec { tv_sec = ticks / TimeSpan.TicksPerSecond, tv_nsec = ticks % TimeSpan.TicksPerSecond * TimeSpan.NanosecondsPerTick };
        // SAFETY: as above.
        return Libc.pthread_mutex_timedlock(_mutex, &wall);
    }

    private unsafe void Claim(long offset)
    {
        // SAFETY: the words lie in the held bytes.
        ref var kind = ref *(uint*)(_mutex + _layout.KindOffset);
        var found = Volatile.Read(ref kind);
        if (found == 0 && !new ReadOnlySpan<byte>(_mutex, PosixMutexLayout.NativeSize).ContainsAnyExcept((byte)0))
        {
            // What else initialization writes is zero: one word makes the mutex.
            found = Interlocked.CompareExchange(ref kind, _layout.Kind, 0) is not 0 and var other ? other : _layout.Kind;
        }

        GC.KeepAlive(this);
        if (!_layout.Accepts(found))
        {
            throw new InvalidDataException($"The bytes at offset {offset} are not a robust, process-shared pthread_mutex_t of this C library: their kind is 0x{found:x}. " +
                "Zeroed bytes become one; a partner in C sets PTHREAD_PROCESS_SHARED and PTHREAD_MUTEX_ROBUST before pthread_mutex_init.");
        }
    }

    private static LockRecursionException Recursion() => new("This thread is inside the POSIX mutex already; it is not recursive.");
}
