using System.Runtime.CompilerServices;

namespace Posix.SharedMemory.Threading;

/// <summary>Many readers or one writer. A reader that is killed leaves nothing behind; the next to enter learns of a writer that was killed.</summary>
/// <remarks>
/// While a dead writer's work is unrepaired, readers get <see cref="OwnerDiedException"/> too, until a process enters for writing with a repair. A process that is inside for reading and enters for
/// writing waits for itself.
/// </remarks>
/// <example>
/// <code>
/// var guard = SharedReaderWriterLock.At(roster, offset: 4096);
/// using (ReadHold reading = guard.EnterRead())
/// {
///     Console.WriteLine(map.GetReference&lt;long&gt;(8192));
/// }
///
/// // If the last writer died inside, start afresh instead of using what it left half done.
/// using (WriteHold writing = guard.EnterWrite(repair: () =&gt; map.GetSpan(8192, 4096).Clear()))
/// {
///     map.GetReference&lt;long&gt;(8192)++;
/// }
/// </code>
/// </example>
public sealed class SharedReaderWriterLock
{
    private const uint LayoutBit = 1u << 31;

    private readonly Seat _seat;
    private readonly ReaderWriterWords _words;
    private readonly ReadTickets _tickets = new();
    private readonly ReadTarget _read;
    private readonly WriteTarget _write;
    private readonly WaitQueue _readers;
    private readonly WaitQueue _writers;
    private EntryTicket _ticket;

    private unsafe SharedReaderWriterLock(Roster roster, MemoryMapping mapping, long offset, ReaderLayout layout)
    {
        _seat = roster.SeatForLooks;
        var bytes = _seat.Hold(mapping, offset, SizeFor(roster.Seats, layout));
        var tag = LockLayout.ReaderWriterTag | (layout == ReaderLayout.Compact ? LayoutBit : 0);
        // SAFETY: the tag lies in the held bytes.
        Tags.Claim(_seat, (uint*)(bytes.First + LockLayout.Tag), tag, $"a reader-writer lock of the layout {layout}");
        _words = new(_seat, bytes, StrideOf(layout));
        _read = new(this);
        _write = new(this);
        _readers = new(_seat.Kernel.Service, wakesAll: true);
        _writers = new(_seat.Kernel.Service, wakesAll: false);
    }

    /// <summary>Gets the participant that is inside for writing, or waits for readers to leave; <see langword="null"/>: there is none. A snapshot: it may be out of date when it is returned.</summary>
    public Participant? Writer => (_words.Writer.Value & LockLayout.OwnerMask) is var owner && (owner & Participant.Mark) != 0 ? new Participant(owner) : null;

    /// <summary>Gets whether a writer died inside the lock, and what it left has not been repaired.</summary>
    public bool IsInconsistent => (_words.Writer.Value & LockLayout.Inconsistent) != 0 || (Writer is { } writer && !_seat.Memory.IsAlive(writer));

    /// <summary>How many bytes a lock takes, at a multiple of 8: 4,096 for 63 seats that are spread, 576 for 63 that are compact.</summary>
    /// <param name="seats">Those of its roster.</param>
    /// <param name="layout">How the counters of readers lie.</param>
    public static int SizeFor(int seats = Roster.DefaultSeats, ReaderLayout layout = ReaderLayout.Spread)
    {
        _ = Roster.SizeFor(seats);
        return (ReaderWriterWords.CountersAt + (StrideOf(layout) * seats) + 63) & ~63;
    }

    /// <summary>The lock at a place of the roster's mapping.</summary>
    /// <inheritdoc cref="At(Roster, MemoryMapping, long, ReaderLayout)"/>
    public static SharedReaderWriterLock At(Roster roster, long offset, ReaderLayout layout = ReaderLayout.Spread)
    {
        ArgumentNullException.ThrowIfNull(roster);
        return new(roster, roster.Memory.Bytes.Mapping, offset, layout);
    }

    /// <summary>The lock at a place of another mapping than the roster's.</summary>
    /// <param name="roster">The processes that may enter.</param>
    /// <param name="mapping">A shared mapping for reading and writing.</param>
    /// <param name="offset">A multiple of 8, in bytes.</param>
    /// <param name="layout">How the counters of readers lie.</param>
    /// <exception cref="InvalidDataException">The bytes are something else, or a lock of the other layout.</exception>
    /// <exception cref="ArgumentException">The offset is not a multiple of 8, or the mapping is read-only.</exception>
    /// <exception cref="ArgumentOutOfRangeException">The lock is not inside the mapping.</exception>
    public static SharedReaderWriterLock At(Roster roster, MemoryMapping mapping, long offset, ReaderLayout layout = ReaderLayout.Spread)
    {
        ArgumentNullException.ThrowIfNull(roster);
        return new(roster, mapping, offset, layout);
    }

    /// <summary>Enters for reading.</summary>
    /// <exception cref="OwnerDiedException">A writer died inside, and what it left has not been repaired since. The lock is not held.</exception>
    /// <exception cref="RetiredException">The lock was retired.</exception>
    /// <exception cref="LockRecursionException">This thread is inside for writing already, by a synchronous entry through this object.</exception>
    /// <exception cref="OperationCanceledException">The token was cancelled.</exception>
    /// <exception cref="ObjectDisposedException">This process has left the roster.</exception>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public ReadHold EnterRead(CancellationToken cancellationToken = default) => !cancellationToken.IsCancellationRequested && _words.TryEnterReadFree() ? new(this, _tickets.Begin()) : EnterReadSlowly(EntryMode.RefuseUnrepaired, Deadline.Never, cancellationToken);

    /// <summary>Enters for reading, unless that takes longer than a timeout.</summary>
    /// <returns>Whether it was entered; false: the time is up.</returns>
    /// <exception cref="ArgumentOutOfRangeException">The timeout is negative, but not <see cref="Timeout.InfiniteTimeSpan"/>.</exception>
    /// <inheritdoc cref="EnterRead"/>
    public bool TryEnterRead(TimeSpan timeout, out ReadHold hold, CancellationToken cancellationToken = default)
    {
        var deadline = Deadline.After(timeout);
        hold = !cancellationToken.IsCancellationRequested && _words.TryEnterReadFree() ? new(this, _tickets.Begin()) : EnterReadSlowly(EntryMode.RefuseUnrepaired, deadline, cancellationToken);
        return hold.Lock is not null;
    }

    /// <summary>Enters for reading if no living process writes, or tries to at this moment; never waits.</summary>
    /// <inheritdoc cref="EnterRead"/>
    public bool TryEnterRead(out ReadHold hold) => TryEnterRead(TimeSpan.Zero, out hold);

    /// <summary>Enters for reading; no thread waits.</summary>
    /// <inheritdoc cref="EnterRead"/>
    public ValueTask<ReadHold> EnterReadAsync(CancellationToken cancellationToken = default) => EnterReadAsync(EntryMode.RefuseUnrepaired, cancellationToken);

    /// <summary>Enters for reading also after a writer's death: <see cref="ReadHold.OwnerDied"/> reports it. For callers that can check what they read.</summary>
    /// <exception cref="RetiredException">The lock was retired.</exception>
    /// <exception cref="LockRecursionException">This thread is inside for writing already, by a synchronous entry through this object.</exception>
    /// <exception cref="OperationCanceledException">The token was cancelled.</exception>
    /// <exception cref="ObjectDisposedException">This process has left the roster.</exception>
    public ReadHold EnterReadUnrepaired(CancellationToken cancellationToken = default) =>
        !cancellationToken.IsCancellationRequested && _words.TryEnterReadFree() ? new(this, _tickets.Begin()) : EnterReadSlowly(EntryMode.AcceptUnrepaired, Deadline.Never, cancellationToken);

    /// <summary>Enters for reading if no living process writes, also after a writer's death; never waits.</summary>
    /// <returns>Whether it was entered; false: a living process writes, which may be this one.</returns>
    /// <inheritdoc cref="EnterReadUnrepaired"/>
    public bool TryEnterReadUnrepaired(out ReadHold hold)
    {
        hold = _words.TryEnterReadFree() ? new(this, _tickets.Begin()) : EnterReadSlowly(EntryMode.AcceptUnrepaired, Deadline.Passed, CancellationToken.None);
        return hold.Lock is not null;
    }

    /// <summary>As <see cref="EnterReadUnrepaired"/>; no thread waits.</summary>
    /// <inheritdoc cref="EnterReadUnrepaired"/>
    public ValueTask<ReadHold> EnterReadUnrepairedAsync(CancellationToken cancellationToken = default) => EnterReadAsync(EntryMode.AcceptUnrepaired, cancellationToken);

    /// <summary>Enters for writing.</summary>
    /// <exception cref="OwnerDiedException">A writer died inside, and what it left has not been repaired since. The lock is not held.</exception>
    /// <exception cref="RetiredException">The lock was retired.</exception>
    /// <exception cref="LockRecursionException">This thread is inside for writing already, by a synchronous entry through this object.</exception>
    /// <exception cref="OperationCanceledException">The token was cancelled.</exception>
    /// <exception cref="ObjectDisposedException">This process has left the roster.</exception>
    public WriteHold EnterWrite(CancellationToken cancellationToken = default) => EnterWrite(EntryMode.RefuseUnrepaired, Deadline.Never, cancellationToken);

    /// <summary>Enters for writing; if the last writer died inside, repairs first what it left.</summary>
    /// <param name="repair">Runs inside the lock. If it throws, the lock is left unrepaired, and the exception comes out.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    /// <exception cref="RetiredException">The lock was retired.</exception>
    /// <exception cref="LockRecursionException">This thread is inside for writing already, by a synchronous entry through this object.</exception>
    /// <exception cref="OperationCanceledException">The token was cancelled.</exception>
    /// <exception cref="ObjectDisposedException">This process has left the roster.</exception>
    public WriteHold EnterWrite(Action repair, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(repair);
        return EnterWriteUnrepaired(cancellationToken).RepairedBy(repair);
    }

    /// <summary>Enters for writing also after a writer's death: <see cref="WriteHold.OwnerDied"/> reports it.</summary>
    /// <inheritdoc cref="EnterWrite(Action, CancellationToken)"/>
    public WriteHold EnterWriteUnrepaired(CancellationToken cancellationToken = default) => EnterWrite(EntryMode.AcceptUnrepaired, Deadline.Never, cancellationToken);

    /// <summary>Enters for writing if no living process is inside, or tries to read at this moment; never waits.</summary>
    /// <returns>Whether it was entered; false: a living process is inside, which may be this one, or has just looked whether it can enter.</returns>
    /// <inheritdoc cref="EnterWrite(CancellationToken)"/>
    public bool TryEnterWrite(out WriteHold hold)
    {
        hold = EnterWrite(EntryMode.RefuseUnrepaired, Deadline.Passed, CancellationToken.None);
        return hold.Lock is not null;
    }

    /// <summary>Enters for writing if no living process is inside, also after a writer's death; never waits.</summary>
    /// <inheritdoc cref="TryEnterWrite(out WriteHold)"/>
    public bool TryEnterWriteUnrepaired(out WriteHold hold)
    {
        hold = EnterWrite(EntryMode.AcceptUnrepaired, Deadline.Passed, CancellationToken.None);
        return hold.Lock is not null;
    }

    /// <summary>Enters for writing, unless that takes longer than a timeout.</summary>
    /// <returns>Whether it was entered; false: the time is up.</returns>
    /// <exception cref="ArgumentOutOfRangeException">The timeout is negative, but not <see cref="Timeout.InfiniteTimeSpan"/>.</exception>
    /// <inheritdoc cref="EnterWrite(CancellationToken)"/>
    public bool TryEnterWrite(TimeSpan timeout, out WriteHold hold, CancellationToken cancellationToken = default)
    {
        hold = EnterWrite(EntryMode.RefuseUnrepaired, Deadline.After(timeout), cancellationToken);
        return hold.Lock is not null;
    }

    /// <summary>Enters for writing; no thread waits.</summary>
    /// <inheritdoc cref="EnterWrite(CancellationToken)"/>
    public ValueTask<WriteHold> EnterWriteAsync(CancellationToken cancellationToken = default) => EnterWriteAsync(EntryMode.RefuseUnrepaired, cancellationToken);

    /// <summary>Enters for writing also after a writer's death; no thread waits.</summary>
    /// <inheritdoc cref="EnterWrite(Action, CancellationToken)"/>
    public ValueTask<WriteHold> EnterWriteUnrepairedAsync(CancellationToken cancellationToken = default) => EnterWriteAsync(EntryMode.AcceptUnrepaired, cancellationToken);

    /// <summary>Enters for writing; if the last writer died inside, repairs first what it left. No thread waits.</summary>
    /// <inheritdoc cref="EnterWrite(Action, CancellationToken)"/>
    public ValueTask<WriteHold> EnterWriteAsync(Func<CancellationToken, ValueTask> repair, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(repair);
        return EnterWriteAsync(EntryMode.AcceptUnrepaired, cancellationToken).RepairedByAsync(repair, cancellationToken);
    }

    internal bool IsCurrent(long ticket) => _ticket.IsCurrent(ticket);

    internal bool IsCurrentRead(long ticket) => _tickets.IsCurrent(ticket);

    internal void MarkConsistent() => _words.Writer.MarkConsistent();

    internal void Retire(long ticket)
    {
        _ticket.TryEnd(ticket);
        _words.Retire();
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal void LeaveRead(long ticket)
    {
        if (_tickets.TryEnd(ticket))
        {
            _words.LeaveRead();
        }
    }

    internal void LeaveWrite(long ticket)
    {
        if (_ticket.TryEnd(ticket))
        {
            _words.LeaveWrite();
        }
    }

    private static int StrideOf(ReaderLayout layout) => layout switch
    {
        ReaderLayout.Spread => ReaderWriterWords.SpreadStride,
        ReaderLayout.Compact => ReaderWriterWords.CompactStride,
        _ => throw new ArgumentException("The value is not defined by the enumeration.", nameof(layout)),
    };

    [MethodImpl(MethodImplOptions.NoInlining)]
    private ReadHold EnterReadSlowly(EntryMode mode, Deadline deadline, CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        RefuseRecursion(deadline);
        var state = new WaitState { Mode = (int)mode };
        return _read.Finish(BlockingWait.Run(_read, _seat.Kernel, ref state, deadline, cancellationToken), ref state);
    }

    private ValueTask<ReadHold> EnterReadAsync(EntryMode mode, CancellationToken cancellationToken)
    {
        if (!cancellationToken.IsCancellationRequested && _words.TryEnterReadFree())
        {
            return new(new ReadHold(this, _tickets.Begin()));
        }

        _seat.Require();
        return cancellationToken.IsCancellationRequested ? ValueTask.FromCanceled<ReadHold>(cancellationToken)
            : _readers.WaitAsync(_read, new() { Mode = (int)mode }, Deadline.Never, synchronously: false, cancellationToken);
    }

    private WriteHold EnterWrite(EntryMode mode, Deadline deadline, CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        if (_words.TryEnterWriteFree())
        {
            return new(this, _ticket.Begin(Environment.CurrentManagedThreadId, 0));
        }

        RefuseRecursion(deadline);
        var state = new WaitState { Mode = (int)mode };
        return _write.Finish(BlockingWait.Run(_write, _seat.Kernel, ref state, deadline, cancellationToken), ref state);
    }

    /// <summary>A wait for oneself would last for ever; a try is answered.</summary>
    private void RefuseRecursion(Deadline deadline)
    {
        if (deadline != Deadline.Passed && _ticket.IsOfThisThread && _words.Writer.IsMine)
        {
            throw new LockRecursionException("This thread is inside for writing already; the lock is not recursive.");
        }
    }

    private ValueTask<WriteHold> EnterWriteAsync(EntryMode mode, CancellationToken cancellationToken)
    {
        if (cancellationToken.IsCancellationRequested)
        {
            return ValueTask.FromCanceled<WriteHold>(cancellationToken);
        }

        if (_words.TryEnterWriteFree())
        {
            return new(new WriteHold(this, _ticket.Begin(thread: 0, 0)));
        }

        _seat.Require();
        return _writers.WaitAsync(_write, new() { Mode = (int)(mode | EntryMode.Asynchronous) }, Deadline.Never, synchronously: false, cancellationToken);
    }

    private sealed class ReadTarget(SharedReaderWriterLock target) : IWaitTarget<ReadHold>
    {
        public News News => target._seat.News;

        public WaitOutcome Attempt(ref WaitState state, ref SleepList list) => target._words.AttemptRead(ref state, ref list);

        // All sleeping readers are woken: no wake-up is handed on. But nobody queues behind one that has gone.
        public WaitOutcome GiveUp(ref WaitState state)
        {
            if (state.IsPatient)
            {
                target._words.EndPatience(isIn: false);
            }

            return WaitOutcome.Pending;
        }

        public void BeforeSleep() => target._seat.Watch.Start();

        public ReadHold Finish(WaitOutcome outcome, ref WaitState state) => outcome switch
        {
            WaitOutcome.Taken => new(target, target._tickets.Begin()),
            WaitOutcome.TakenUnrepaired => EntryTicket.IsRefused(outcome, state) ? throw new OwnerDiedException(state) : new(target, target._tickets.BeginUnrepaired()),
            WaitOutcome.Closed => throw new RetiredException(),
            _ => default,
        };
    }

    private sealed class WriteTarget(SharedReaderWriterLock target) : IWaitTarget<WriteHold>
    {
        public News News => target._seat.News;

        public WaitOutcome Attempt(ref WaitState state, ref SleepList list) => target._words.AttemptWrite(ref state, ref list);

        public WaitOutcome GiveUp(ref WaitState state) => target._words.GiveUpWrite(ref state);

        public void BeforeSleep() => target._seat.Watch.Start();

        public WriteHold Finish(WaitOutcome outcome, ref WaitState state)
        {
            if (EntryTicket.IsRefused(outcome, state))
            {
                target._words.LeaveWrite();
                throw new OwnerDiedException(state);
            }

            return target._ticket.Begin(outcome, state) is not 0 and var ticket ? new(target, ticket) : default;
        }
    }
}
