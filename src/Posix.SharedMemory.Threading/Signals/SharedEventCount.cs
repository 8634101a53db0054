using System.Runtime.CompilerServices;

namespace Posix.SharedMemory.Threading;

/// <summary>
/// An event count of 8 bytes: one side changes some memory and notifies, the other looks, and sleeps until something may have changed. Notifying costs one load while
/// nobody sleeps.
/// </summary>
/// <remarks>
/// The sleeper calls <see cref="PrepareWait"/>, looks once more at what it waits for, and then calls <see cref="CancelWait"/> or
/// <see cref="Wait"/>. Nothing that was notified after <see cref="PrepareWait"/> is slept through. When a participant of the roster ends, all waits return.
/// </remarks>
public sealed class SharedEventCount
{
    /// <summary>How many bytes an event count takes, at a multiple of 8.</summary>
    public const int Size = 8;

    private readonly EventCountWord _word;
    // What a notification without sleepers loads stands here, so that it costs as little as can be.
    private readonly unsafe uint* _value;
    private readonly bool _notifiesUnfenced;

    private unsafe SharedEventCount(Roster roster, MemoryMapping mapping, long offset)
    {
        var seat = roster.SeatForLooks;
        var bytes = seat.Hold(mapping, offset, Size);
        // SAFETY: the tag lies in the held bytes.
        Tags.Claim(seat, (uint*)(bytes.First + LockLayout.Tag), LockLayout.EventCountTag, "an event count");
        _word = new(seat, bytes);
        // SAFETY: an address is handed on; the word holds what it points to, and this object the word.
        _value = (uint*)bytes.First;
        _notifiesUnfenced = _word.NotifiesUnfenced;
    }

#pragma warning disable MA0055 // Nobody disposes an event count: what the service thread knows of it goes with the object.
    /// <summary>The service thread forgets the word.</summary>
    ~SharedEventCount() => _word?.Abandon();
#pragma warning restore MA0055

    /// <summary>Gets whether a notification would find a sleeper. Costs one load.</summary>
    public unsafe bool HasWaiters
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        get
        {
            // SYNC eventcount.dekker: pairs with EventCountWord.Prepare, as the look in EventCountWord.Notify.
            // SAFETY: the word lies in the bytes that _word holds.
            var value = Volatile.Read(ref *_value);
            GC.KeepAlive(this);
            return EventCountWord.HasSleepers(value);
        }
    }

    /// <summary>
    /// Gets or sets whether what follows an asynchronous wait of this object runs on the service thread itself. It saves the way over the thread pool, but code that blocks
    /// there stalls every asynchronous wait of the process. Off by default.
    /// </summary>
    public bool AllowSynchronousContinuations { get; set; }

    /// <summary>The event count at a place of the roster's mapping.</summary>
    /// <inheritdoc cref="At(Roster, MemoryMapping, long)"/>
    public static SharedEventCount At(Roster roster, long offset)
    {
        ArgumentNullException.ThrowIfNull(roster);
        return new(roster, roster.Memory.Bytes.Mapping, offset);
    }

    /// <summary>The event count at a place of another mapping than the roster's.</summary>
    /// <param name="roster">Whose participants notify.</param>
    /// <param name="mapping">A shared mapping for reading and writing.</param>
    /// <param name="offset">A multiple of 8, in bytes.</param>
    /// <exception cref="InvalidDataException">The bytes are something else than an event count or zero.</exception>
    /// <exception cref="ArgumentException">The offset is not a multiple of 8, or the mapping is read-only.</exception>
    /// <exception cref="ArgumentOutOfRangeException">It is not inside the mapping.</exception>
    public static SharedEventCount At(Roster roster, MemoryMapping mapping, long offset)
    {
        ArgumentNullException.ThrowIfNull(roster);
        return new(roster, mapping, offset);
    }

    /// <summary>Wakes all sleepers, after the caller has changed what they wait for. Makes no system call and no fence while there are none.</summary>
    /// <returns>Whether a process slept, or had prepared to.</returns>
    /// <exception cref="InvalidOperationException">The roster is only observed.</exception>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public bool NotifyAll() => (HasWaiters || !_notifiesUnfenced) && _word.Notify();

    /// <summary>Begins a wait. Look again at what is waited for, then call <see cref="CancelWait"/> or wait with the key.</summary>
    /// <exception cref="ObjectDisposedException">This process has left the roster.</exception>
    public EventCountKey PrepareWait() => new(_word.Prepare());

    /// <summary>Ends a wait that turned out to be needless. The next notification may make one system call in vain.</summary>
    /// <param name="key">From <see cref="PrepareWait"/>.</param>
    public void CancelWait(EventCountKey key)
    {
        // The word is left alone: clearing the bit would lose another sleeper.
        _ = key;
        GC.KeepAlive(this);
    }

    /// <summary>Sleeps until a notification that came after <see cref="PrepareWait"/>. May return without cause, at least once a second.</summary>
    /// <returns>False: the timeout passed.</returns>
    /// <exception cref="ArgumentOutOfRangeException">The timeout is negative, but not <see cref="Timeout.InfiniteTimeSpan"/>.</exception>
    /// <exception cref="OperationCanceledException">The token was cancelled.</exception>
    /// <exception cref="ObjectDisposedException">This process has left the roster.</exception>
    /// <remarks><see href="https://man7.org/linux/man-pages/man2/futex.2.html">futex(2)</see></remarks>
    public bool Wait(EventCountKey key, TimeSpan timeout, CancellationToken cancellationToken = default)
    {
        var deadline = Deadline.After(timeout);
        if (!cancellationToken.CanBeCanceled)
        {
            var woken = _word.Sleep(key.Value, deadline);
            GC.KeepAlive(this);
            return woken;
        }

        var state = new WaitState { Key = key.Value };
        var outcome = BlockingWait.Run(_word, _word.News.Kernel, ref state, deadline, cancellationToken);
        GC.KeepAlive(this);
        return _word.Finish(outcome, ref state);
    }

    /// <summary>As <see cref="Wait"/>; no thread waits. May return without cause.</summary>
    /// <exception cref="OperationCanceledException">The token was cancelled.</exception>
    /// <exception cref="ObjectDisposedException">This process has left the roster.</exception>
    public ValueTask WaitAsync(EventCountKey key, CancellationToken cancellationToken = default)
    {
        if (cancellationToken.IsCancellationRequested)
        {
            return ValueTask.FromCanceled(cancellationToken);
        }

        if (_word.Value != key.Value)
        {
            return ValueTask.CompletedTask;
        }

        var wait = _word.WaitWithoutResultAsync(_word, new() { Key = key.Value, Mode = EventCountWord.Asynchronous }, AllowSynchronousContinuations, cancellationToken);
        GC.KeepAlive(this);
        return wait;
    }
}
