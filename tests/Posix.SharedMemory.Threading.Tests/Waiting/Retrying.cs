namespace Posix.SharedMemory.Threading.Tests;

/// <summary>A word that somebody does nothing else than write: attempts come to nothing, and are made again.</summary>
public sealed class Retrying : TwoParticipants
{
    [Fact]
    [Rule("mutex.rewritten")]
    public async Task Deadline_and_token_end_a_wait_whose_attempts_come_to_nothing_and_other_waits_are_served()
    {
        var target = new Hopeless(OtherRoster.Seat.News);
        var state = default(WaitState);
        Assert.Equal(WaitOutcome.TimedOut, BlockingWait.Run(target, Kernel.Current, ref state, Deadline.Passed, CancellationToken.None));
        Assert.Equal(WaitOutcome.TimedOut, BlockingWait.Run(target, Kernel.Current, ref state, Deadline.After(TimeSpan.FromMilliseconds(20)), CancellationToken.None));
        using var cancellation = new CancellationTokenSource(20);
        Assert.Throws<OperationCanceledException>(() =>
        {
            var waiting = default(WaitState);
            BlockingWait.Run(target, Kernel.Current, ref waiting, Deadline.Never, cancellation.Token);
        });

        using var later = new CancellationTokenSource();
        var hopeless = new WaitQueue(Kernel.Current.Service, wakesAll: false).WaitAsync(target, default, Deadline.Never, synchronously: false, later.Token).AsTask();
        Watchdog.Until(() => target.AsynchronousAttempts > 1000, "attempts");
        var mutex = SharedMutex.At(Roster, Memory.Mutex);
        var hold = SharedMutex.At(OtherRoster, Memory.Mutex).Enter();
        var entering = mutex.EnterAsync().AsTask();
        hold.Dispose();
        (await entering.WaitAsync(Watchdog.Limit)).Dispose();
        later.Cancel();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => hopeless.WaitAsync(Watchdog.Limit));
    }

    [Fact]
    [Rule("mutex.rewritten")]
    public void Waits_end_at_their_deadlines_while_a_thread_writes_the_words_without_a_pause()
    {
        uint owner = OtherRoster.Self.Value, isOver = 0;
        var hasBegun = false;
        var mutex = SharedMutex.At(Roster, Memory.Mutex);
        var readerWriter = SharedReaderWriterLock.At(Roster, Memory.ReaderWriter);
        var semaphore = SharedSemaphore.At(Mapping, Memory.Semaphore, 0);
        var signal = SharedEvent.At(Mapping, Memory.Event, EventResetMode.AutoReset);
        var writer = new Thread(() =>
        {
            for (var i = 0u; Volatile.Read(ref isOver) == 0; i++)
            {
                var marks = (i & 3) << 29;
                Memory.Store(Memory.Mutex, owner | marks);
                Memory.Store(Memory.ReaderWriter, owner | marks);
                Memory.Store(Memory.Semaphore, (i & 1) << 31);
                Memory.Store(Memory.Event, (i << 1) & 0x7FFFFFFE);
                Volatile.Write(ref hasBegun, true);
            }
        });
        writer.Start();
        try
        {
            // Until then the words are those of free locks.
            Watchdog.Until(() => Volatile.Read(ref hasBegun), "words");
            for (var i = 0; i < 5; i++)
            {
                var soon = TimeSpan.FromMilliseconds(5);
                Assert.False(mutex.TryEnter(soon, out _));
                Assert.False(mutex.TryEnter(out _));
                Assert.False(readerWriter.TryEnterRead(soon, out _));
                Assert.False(readerWriter.TryEnterWrite(soon, out _));
                Assert.False(semaphore.Wait(soon));
                Assert.False(signal.Wait(soon));
            }
        }
        finally
        {
            Volatile.Write(ref isOver, 1);
            writer.Join();
        }
    }

    private sealed class Hopeless(News news) : IWaitTarget<bool>
    {
        private int _attempts;

        public News News => news;

        internal int AsynchronousAttempts => Volatile.Read(ref _attempts);

        public WaitOutcome Attempt(ref WaitState state, ref SleepList list)
        {
            if (ServiceThread.IsCurrent)
            {
                Interlocked.Increment(ref _attempts);
            }

            return list.Retry();
        }

        public WaitOutcome GiveUp(ref WaitState state) => WaitOutcome.Pending;

        public void BeforeSleep()
        {
            // There is nothing to watch.
        }

        public bool Finish(WaitOutcome outcome, ref WaitState state) => outcome == WaitOutcome.Taken;
    }
}
