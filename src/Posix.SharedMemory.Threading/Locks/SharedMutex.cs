using System.Runtime.CompilerServices;

namespace Posix.SharedMemory.Threading;

/// <summary>A mutex of 16 bytes between processes. It may be entered and left on different threads, and awaited inside.</summary>
/// <remarks>
/// The owner is the process. If it dies inside, every later entry throws <see cref="OwnerDiedException"/> without holding the lock, until a process enters with a repair.
/// Bytes that are zero are a free mutex. Do not put locks into bytes that a peer may discard.
/// </remarks>
public sealed class SharedMutex
{
    /// <summary>How many bytes a mutex takes, at a multiple of 8.</summary>
    public const int Size = LockLayout.MutexSize;

    private readonly unsafe uint* _word;
    private readonly Seat? _seat;
    private readonly RosterMemory _memory;
    private readonly HeldBytes _bytes;
    private readonly OwnedWord? _owned;
    private readonly EntryTarget _target;
    private WaitQueue? _queue;
    private EntryTicket _ticket;

    private unsafe SharedMutex(Roster roster, MemoryMapping mapping, long offset)
    {
        _seat = roster.SeatOrNone;
        _memory = roster.Memory;
        _target = new(this);
        if (_seat is null)
        {
            _bytes = HeldBytes.TakeForReading(mapping, offset, Size, alignment: 8);
            _word = (uint*)_bytes.First;
            // SAFETY: the tag lies in the held bytes.
            var tag = Volatile.Read(ref *(uint*)(_bytes.First + LockLayout.Tag));
            if (tag is not (0 or LockLayout.MutexTag))
            {
                throw Tags.Unlike("a mutex", tag);
            }

            return;
        }

        _seat.Require();
        _bytes = HeldBytes.Take(mapping, offset, Size, alignment: 8);
        _word = (uint*)_bytes.First;
        // SAFETY: the tag lies in the held bytes.
        Tags.Claim((uint*)(_bytes.First + LockLayout.Tag), LockLayout.MutexTag, "a mutex");
        _owned = new(_seat, _bytes, _word);
    }

    /// <summary>Gets whether a process is inside the lock, living or dead. A snapshot: it may be out of date when it is returned.</summary>
    public bool IsHeld => Holder is not null;

    /// <summary>Gets whether an owner died inside the lock, and what it left has not been repaired.</summary>
    public unsafe bool IsInconsistent
    {
        get
        {
            // SAFETY: the word lies in the held bytes.
            var value = Volatile.Read(ref *_word);
            return (value & LockLayout.Inconsistent) != 0 || (IsParticipant(value) && !_memory.IsAlive(new Participant(value & LockLayout.OwnerMask)));
        }
    }

    /// <summary>Gets the participant that is inside the lock, living or dead (<see cref="Roster.IsAlive"/> distinguishes them); <see langword="null"/>: there is none, also while a dead owner's work is unrepaired.</summary>
    public unsafe Participant? Holder
    {
        get
        {
            // SAFETY: the word lies in the held bytes.
            var value = Volatile.Read(ref *_word);
            return IsParticipant(value) ? new(value & LockLayout.OwnerMask) : null;
        }
    }

    /// <summary>The mutex at a place of the roster's mapping.</summary>
    /// <param name="roster">The processes that may hold it.</param>
    /// <param name="offset">A multiple of 8, in bytes.</param>
    /// <exception cref="InvalidDataException">The bytes are something else than a mutex or zero.</exception>
    /// <exception cref="ArgumentException">The offset is not a multiple of 8.</exception>
    /// <exception cref="ArgumentOutOfRangeException">The mutex is not inside the mapping.</exception>
    public static SharedMutex At(Roster roster, long offset)
    {
        ArgumentNullException.ThrowIfNull(roster);
        return new(roster, roster.Memory.Bytes.Mapping, offset);
    }

    /// <summary>The mutex at a place of another mapping than the roster's.</summary>
    /// <param name="roster">The processes that may hold it.</param>
    /// <param name="mapping">A shared mapping for reading and writing.</param>
    /// <param name="offset">A multiple of 8, in bytes.</param>
    /// <exception cref="InvalidDataException">The bytes are something else than a mutex or zero.</exception>
    /// <exception cref="ArgumentException">The offset is not a multiple of 8, or the mapping is read-only.</exception>
    /// <exception cref="ArgumentOutOfRangeException">The mutex is not inside the mapping.</exception>
    public static SharedMutex At(Roster roster, MemoryMapping mapping, long offset)
    {
        ArgumentNullException.ThrowIfNull(roster);
        return new(roster, mapping, offset);
    }

    /// <summary>Enters; waits as long as it takes.</summary>
    /// <exception cref="OwnerDiedException">The last owner died inside, and what it left has not been repaired since. The lock is not held.</exception>
    /// <exception cref="RetiredException">The lock was retired.</exception>
    /// <exception cref="LockRecursionException">This thread is inside already, by a synchronous entry through this object.</exception>
    /// <exception cref="OperationCanceledException">The token was cancelled.</exception>
    /// <exception cref="ObjectDisposedException">This process has left the roster.</exception>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public MutexHold Enter(CancellationToken cancellationToken = default) =>
        TryEnterFree(cancellationToken) ? Begin(Environment.CurrentManagedThreadId) : EnterSlowly(EntryMode.RefuseUnrepaired, Deadline.Never, cancellationToken);

    /// <summary>Enters; if the last owner died inside, repairs first what it left.</summary>
    /// <param name="repair">Runs inside the lock. If it throws, the lock is left unrepaired, and the exception comes out.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    /// <exception cref="RetiredException">The lock was retired.</exception>
    /// <exception cref="LockRecursionException">This thread is inside already, by a synchronous entry through this object.</exception>
    /// <exception cref="OperationCanceledException">The token was cancelled.</exception>
    /// <exception cref="ObjectDisposedException">This process has left the roster.</exception>
    public MutexHold Enter(Action repair, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(repair);
        return EnterUnrepaired(cancellationToken).RepairedBy(repair);
    }

    /// <summary>Enters if no living process holds the lock; never waits.</summary>
    /// <returns>Whether it was entered; false: a living process holds it, which may be this one.</returns>
    /// <exception cref="OwnerDiedException">As <see cref="Enter(CancellationToken)"/>.</exception>
    /// <exception cref="RetiredException">The lock was retired.</exception>
    /// <exception cref="ObjectDisposedException">This process has left the roster.</exception>
    public bool TryEnter(out MutexHold hold)
    {
        hold = TryEnterFree() ? Begin(Environment.CurrentManagedThreadId) : EnterSlowly(EntryMode.RefuseUnrepaired, Deadline.Passed, CancellationToken.None);
        return hold.Mutex is not null;
    }

    /// <summary>Enters if no living process holds the lock, also after an owner's death: <see cref="MutexHold.OwnerDied"/> reports it. Never waits.</summary>
    /// <returns>Whether it was entered; false: a living process holds it, which may be this one.</returns>
    /// <exception cref="RetiredException">The lock was retired.</exception>
    /// <exception cref="ObjectDisposedException">This process has left the roster.</exception>
    public bool TryEnterUnrepaired(out MutexHold hold)
    {
        hold = TryEnterFree() ? Begin(Environment.CurrentManagedThreadId) : EnterSlowly(EntryMode.AcceptUnrepaired, Deadline.Passed, CancellationToken.None);
        return hold.Mutex is not null;
    }

    /// <summary>Enters, unless that takes longer than a timeout.</summary>
    /// <returns>Whether it was entered; false: the time is up.</returns>
    /// <exception cref="ArgumentOutOfRangeException">The timeout is negative, but not <see cref="Timeout.InfiniteTimeSpan"/>.</exception>
    /// <inheritdoc cref="Enter(CancellationToken)"/>
    public bool TryEnter(TimeSpan timeout, out MutexHold hold, CancellationToken cancellationToken = default)
    {
        var deadline = Deadline.After(timeout);
        hold = TryEnterFree(cancellationToken) ? Begin(Environment.CurrentManagedThreadId) : EnterSlowly(EntryMode.RefuseUnrepaired, deadline, cancellationToken);
        return hold.Mutex is not null;
    }

    /// <summary>Enters; no thread waits.</summary>
    /// <inheritdoc cref="Enter(CancellationToken)"/>
    public ValueTask<MutexHold> EnterAsync(CancellationToken cancellationToken = default) =>
        TryEnterFree(cancellationToken) ? new(Begin(thread: 0)) : EnterSlowlyAsync(EntryMode.RefuseUnrepaired, cancellationToken);

    /// <summary>Enters; if the last owner died inside, repairs first what it left. No thread waits.</summary>
    /// <inheritdoc cref="Enter(Action, CancellationToken)"/>
    public ValueTask<MutexHold> EnterAsync(Func<CancellationToken, ValueTask> repair, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(repair);
        return TryEnterFree(cancellationToken) ? new(Begin(thread: 0)) : EnterSlowlyAsync(EntryMode.AcceptUnrepaired, cancellationToken).RepairedByAsync(repair, cancellationToken);
    }

    /// <summary>Enters also after an owner's death: <see cref="MutexHold.OwnerDied"/> reports it. For callers that decide themselves what to do.</summary>
    /// <exception cref="RetiredException">The lock was retired.</exception>
    /// <exception cref="LockRecursionException">This thread is inside already, by a synchronous entry through this object.</exception>
    /// <exception cref="OperationCanceledException">The token was cancelled.</exception>
    /// <exception cref="ObjectDisposedException">This process has left the roster.</exception>
    public MutexHold EnterUnrepaired(CancellationToken cancellationToken = default) =>
        TryEnterFree(cancellationToken) ? Begin(Environment.CurrentManagedThreadId) : EnterSlowly(EntryMode.AcceptUnrepaired, Deadline.Never, cancellationToken);

    /// <summary>As <see cref="EnterUnrepaired"/>; no thread waits.</summary>
    /// <inheritdoc cref="EnterUnrepaired"/>
    public ValueTask<MutexHold> EnterUnrepairedAsync(CancellationToken cancellationToken = default) =>
        TryEnterFree(cancellationToken) ? new(Begin(thread: 0)) : EnterSlowlyAsync(EntryMode.AcceptUnrepaired, cancellationToken);

    internal bool IsCurrent(long ticket) => _ticket.IsCurrent(ticket);

    internal void MarkConsistent() => _owned!.MarkConsistent();

    internal void Retire(long ticket)
    {
        _ticket.TryEnd(ticket);
        _owned!.Close(LockLayout.Retired);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal unsafe void Leave(long ticket)
    {
        if (!_ticket.TryEnd(ticket))
        {
            return;
        }

        var me = _seat!.Me;
        // SAFETY: the word lies in the held bytes. The swap is a full fence: what was stored inside is seen before the lock is free.
        if (me == 0 || Interlocked.CompareExchange(ref *_word, 0, me) != me)
        {
            _owned!.Leave();
        }
    }

    /// <summary>Leaves for the time of a wait, after which the same hold is valid again.</summary>
    internal void Suspend(in MutexHold hold)
    {
        if (hold.Mutex != this || !IsCurrent(hold.Ticket))
        {
            throw EntryTicket.Spent();
        }

        Leave(hold.Ticket);
    }

    /// <summary>Enters again after <see cref="Suspend"/>. If that fails, the hold is spent.</summary>
    internal void Resume(in MutexHold hold)
    {
        // Whoever waited has promised to come back: no token ends this.
        var entered = EnterUnrepaired();
        Resume(hold, entered);
    }

    /// <inheritdoc cref="Resume(in MutexHold)"/>
    internal async ValueTask ResumeAsync(MutexHold hold)
    {
        var entered = await EnterUnrepairedAsync(CancellationToken.None).ConfigureAwait(false);
        Resume(hold, entered);
    }

    internal MutexHold Finish(WaitOutcome outcome, ref WaitState state)
    {
        if (EntryTicket.IsRefused(outcome, state))
        {
            _owned!.Leave();
            throw new OwnerDiedException(state);
        }

        return _ticket.Begin(outcome, state) is not 0 and var ticket ? new(this, ticket) : default;
    }

    private static bool IsParticipant(uint value) => (value & Participant.Mark) != 0;

    private static void Resume(in MutexHold hold, MutexHold entered)
    {
        var mutex = hold.Mutex!;
        if (entered.OwnerDied)
        {
            entered.Dispose();
            throw new OwnerDiedException();
        }

        mutex._ticket.Restore(hold.Ticket);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private unsafe bool TryEnterFree()
    {
        if (_seat is null)
        {
            throw new InvalidOperationException("The roster is only observed: join it to enter its locks.");
        }

        var me = _seat.Me;
        // SAFETY: the word lies in the held bytes.
        return me != 0 && Interlocked.CompareExchange(ref *_word, me, 0) == 0;
    }

    /// <summary>A token that was cancelled is obeyed also where nothing has to be waited for.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private bool TryEnterFree(CancellationToken cancellationToken) => !cancellationToken.IsCancellationRequested && TryEnterFree();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private MutexHold Begin(int thread) => new(this, _ticket.Begin(thread, 0));

    [MethodImpl(MethodImplOptions.NoInlining)]
    private MutexHold EnterSlowly(EntryMode mode, Deadline deadline, CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        var mayWait = deadline != Deadline.Passed;
        if (mayWait && _ticket.IsOfThisThread && _owned!.IsMine)
        {
            throw new LockRecursionException("This thread is inside the lock already; the lock is not recursive.");
        }

        if (mayWait && _owned!.SpinEnter())
        {
            return Begin(Environment.CurrentManagedThreadId);
        }

        var state = new WaitState { Mode = (int)mode };
        var outcome = BlockingWait.Run(_target, _seat!.Kernel, ref state, deadline, cancellationToken);
        return Finish(outcome, ref state);
    }

    private ValueTask<MutexHold> EnterSlowlyAsync(EntryMode mode, CancellationToken cancellationToken)
    {
        if (cancellationToken.IsCancellationRequested)
        {
            return ValueTask.FromCanceled<MutexHold>(cancellationToken);
        }

        var seat = _seat!;
        seat.Require();
        if (_queue is null)
        {
            Interlocked.CompareExchange(ref _queue, new(seat.Kernel.Service, wakesAll: false), null);
        }

        return _queue.WaitAsync(_target, new() { Mode = (int)(mode | EntryMode.Asynchronous) }, Deadline.Never, synchronously: false, cancellationToken);
    }

    /// <summary>The entry as something to wait for.</summary>
    private sealed class EntryTarget(SharedMutex mutex) : IWaitTarget<MutexHold>
    {
        public News News => mutex._seat!.News;

        public WaitOutcome Attempt(ref WaitState state, ref SleepList list) => mutex._owned!.Attempt(ref state, ref list);

        public WaitOutcome GiveUp(ref WaitState state) => mutex._owned!.GiveUp(state);

        public void BeforeSleep() => mutex._seat!.Watch.Start();

        public MutexHold Finish(WaitOutcome outcome, ref WaitState state) => mutex.Finish(outcome, ref state);
    }
}
