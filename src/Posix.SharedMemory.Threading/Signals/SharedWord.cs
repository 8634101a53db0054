namespace Posix.SharedMemory.Threading;

/// <summary>One 32-bit word that processes change and sleep on: the futex, with cancellation and asynchronous waits.</summary>
/// <remarks>
/// Change the word by <see cref="Interlocked"/> or <see cref="Volatile"/> through <see cref="Value"/>, then call <see cref="Wake"/>.
/// <see href="https://man7.org/linux/man-pages/man2/futex.2.html">futex(2)</see>
/// </remarks>
/// <example>
/// <code>
/// var word = SharedWord.At(map, offset: 4096);
/// if (word.Wait(whileEqual: 0, TimeSpan.FromSeconds(1), cancellationToken) == WordWait.Changed)
/// {
///     Interlocked.Exchange(ref word.Value, 0);
///     word.Wake();
/// }
/// </code>
/// </example>
public sealed class SharedWord
{
    private readonly unsafe uint* _word;
    private readonly HeldBytes _bytes;
    private readonly WordTarget _target;
    private readonly WaitQueue _queue;

    private unsafe SharedWord(MemoryMapping mapping, long offset)
    {
        _bytes = HeldBytes.Take(mapping, offset, sizeof(uint), alignment: 4);
        // SAFETY: the word lies in the held bytes.
        _word = (uint*)_bytes.First;
        _target = new(this);
        _queue = new(Kernel.Current.Service, wakesAll: true);
    }

    /// <summary>Gets the word. Keep the <see cref="SharedWord"/> referenced while the reference is in use, since it keeps the bytes mapped.</summary>
    public unsafe ref uint Value =>
        // SAFETY: the word lies in the held bytes; the summary names the condition.
        ref *_word;

    /// <summary>The word at a place of a mapping.</summary>
    /// <param name="mapping">A shared mapping for reading and writing.</param>
    /// <param name="offset">A multiple of 4, in bytes.</param>
    /// <exception cref="ArgumentException">The offset is not a multiple of 4, or the mapping is read-only.</exception>
    /// <exception cref="ArgumentOutOfRangeException">It is not inside the mapping.</exception>
    public static SharedWord At(MemoryMapping mapping, long offset) => new(mapping, offset);

    /// <summary>Sleeps while the word has a value.</summary>
    /// <exception cref="ArgumentOutOfRangeException">The timeout is negative, but not <see cref="Timeout.InfiniteTimeSpan"/>.</exception>
    /// <exception cref="OperationCanceledException">The token was cancelled.</exception>
    public WordWait Wait(uint whileEqual, TimeSpan timeout, CancellationToken cancellationToken = default)
    {
        var state = new WaitState { Key = whileEqual };
        return BlockingWait.Run(_target, Kernel.Current, ref state, Deadline.After(timeout), cancellationToken) == WaitOutcome.Taken ? WordWait.Changed : WordWait.TimedOut;
    }

    /// <summary>Completes when the word no longer has a value; no thread waits.</summary>
    /// <exception cref="OperationCanceledException">The token was cancelled.</exception>
    public ValueTask WaitAsync(uint whileEqual, CancellationToken cancellationToken = default)
    {
        if (cancellationToken.IsCancellationRequested)
        {
            return ValueTask.FromCanceled(cancellationToken);
        }

        return Volatile.Read(ref Value) != whileEqual ? ValueTask.CompletedTask
            : _queue.WaitWithoutResultAsync(_target, new() { Key = whileEqual }, synchronously: false, cancellationToken);
    }

    /// <summary>Wakes processes that sleep on the word, after it was changed. A system call, whether anybody sleeps or not.</summary>
    /// <param name="count">How many at most.</param>
    /// <returns>How many there were. macOS and FreeBSD do not say: 1 where all are woken, whether anybody sleeps or not on FreeBSD.</returns>
    /// <exception cref="ArgumentOutOfRangeException">The count is less than 1.</exception>
    public unsafe int Wake(int count = int.MaxValue)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(count, 1);
        // SAFETY: an address is handed on; the word lies in the held bytes.
        var woken = Kernel.Current.Wake(_word, count);
        GC.KeepAlive(_bytes);
        return woken;
    }

    /// <summary>Adds to the word and wakes, in one call.</summary>
    internal unsafe void AddAndWake(int addend, int count)
    {
        // SAFETY: as above.
        Kernel.Current.ChangeAndWake(_word, WordChange.Add, addend, count);
        GC.KeepAlive(_bytes);
    }

    /// <summary>Names the word in a sleep, which ends when it has another value.</summary>
    internal unsafe void AddTo(ref SleepList list, uint value) =>
        // SAFETY: an address is handed on; the word lies in bytes that this object holds.
        list.Add(_word, value);

    private sealed class WordTarget(SharedWord word) : IWaitTarget<bool>
    {
        public News News => Kernel.Current.News;

        public WaitOutcome Attempt(ref WaitState state, ref SleepList list)
        {
            if (Volatile.Read(ref word.Value) != state.Key)
            {
                return WaitOutcome.Taken;
            }

            word.AddTo(ref list, state.Key);
            return WaitOutcome.Pending;
        }

        public WaitOutcome GiveUp(ref WaitState state) => WaitOutcome.Pending;

        public void BeforeSleep()
        {
            // A word has no owner whose life would have to be watched.
        }

        public bool Finish(WaitOutcome outcome, ref WaitState state) => outcome == WaitOutcome.Taken;
    }
}
