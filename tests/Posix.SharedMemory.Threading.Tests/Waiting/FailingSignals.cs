namespace Posix.SharedMemory.Threading.Tests;

/// <summary>Whichever call of a wait or a signal fails: no permit, signal, arrival or waiter is lost or counted twice.</summary>
public sealed class FailingSignals : FailingCalls
{
    [Fact]
    [Rule("refused.clean")]
    public void Taking_a_permit_that_comes_back()
    {
        var semaphore = SharedSemaphore.ReturningAt(Roster, Memory.Returning, 3);
        var failing = SharedSemaphore.ReturningAt(FailingRoster, Memory.Returning, 3);
        var inner = SharedMutex.At(Roster, Memory.Returning);
        Walk(() =>
        {
            // All are taken; then the inner mutex is.
            Take(semaphore, 3);
            Attempt(() => Assert.False(failing.Wait(Soon)));
            semaphore.Release(3);
            var hold = inner.Enter();
            Attempt(() => Assert.False(failing.Wait(Soon)));
            hold.Dispose();
            Assert.Equal(3, semaphore.CurrentCount);

            // All are a dead process's, which died inside the inner mutex.
            var dead = MakeDead();
            Mapping.GetReference<ulong>(Memory.Returning + 64 + (59 * 8)) = (5ul << 32) | 3;
            Memory.Store(Memory.Returning + 24, 3);
            Memory.Store(Memory.Returning, dead);
            var isTaken = Attempt(() => failing.Wait());
            Assert.Equal(isTaken ? 1u : 0u, Memory.Word(Memory.Returning + 64 + ((FailingRoster.Self.Seat - 1) * 8)));
            if (isTaken)
            {
                failing.Release();
            }

            Take(semaphore, 3);
            semaphore.Release(3);
        });
    }

    [Fact]
    [Rule("refused.clean")]
    public void Giving_back_a_permit_for_which_another_process_waits()
    {
        var semaphore = SharedSemaphore.ReturningAt(Roster, Memory.Returning, 1);
        var failing = SharedSemaphore.ReturningAt(FailingRoster, Memory.Returning, 1);
        Walk(() =>
        {
            failing.Wait();
            var waiter = Task.Run(() => semaphore.Wait(Watchdog.Limit));
            Thread.Sleep(1);
            Attempt(() => failing.Release());
            Assert.Equal(0u, Memory.Word(Memory.Returning + 64 + ((FailingRoster.Self.Seat - 1) * 8)));
            Wake(Memory.Returning + 28);
            Assert.True(Result(waiter));
            semaphore.Release();
        });
    }

    [Fact]
    [Rule("refused.clean")]
    public void Arriving_at_a_barrier()
    {
        Walk(() =>
        {
            Mapping.GetSpan(Memory.Barrier, 256).Clear();
            var failing = SharedBarrier.At(FailingRoster, Memory.Barrier, 3);
            using (var cancellation = new CancellationTokenSource(Soon))
            {
                Attempt(() => failing.SignalAndWait(cancellation.Token));
            }

            Assert.Equal(0ul, Mapping.GetReference<ulong>(Memory.Barrier + 32));
            using (var cancellation = new CancellationTokenSource(Soon))
            {
                Attempt(() => failing.SignalAndWaitAsync(cancellation.Token).AsTask().GetAwaiter().GetResult());
            }

            Watchdog.Until(() => Mapping.GetReference<ulong>(Memory.Barrier + 32) == 0, "the withdrawal");
            var first = SharedBarrier.At(Roster, Memory.Barrier, 3).SignalAndWaitAsync().AsTask();
            var second = SharedBarrier.At(OtherRoster, OtherMapping, Memory.Barrier, 3).SignalAndWaitAsync().AsTask();
            Watchdog.Until(() => Mapping.GetReference<ulong>(Memory.Barrier + 32) is not 0 and var arrived && System.Numerics.BitOperations.PopCount(arrived) == 2, "the others");
            var result = BarrierResult.Broken;
            if (!Attempt(() => result = failing.SignalAndWait()))
            {
                result = failing.SignalAndWait();
            }

            Wake(Memory.Barrier + 24);
            Assert.Equal((BarrierResult.Last, BarrierResult.Passed, BarrierResult.Passed), (result, Result(first), Result(second)));
        });
    }

    [Fact]
    [Rule("refused.clean")]
    public void Finding_a_member_of_a_barrier_dead() => Walk(() =>
    {
        Mapping.GetSpan(Memory.Barrier, 256).Clear();
        var failing = SharedBarrier.At(FailingRoster, Memory.Barrier, 2);
        var dead = MakeDead();
        Memory.Store(Memory.Barrier + 64, dead);
        Memory.Store(Memory.Barrier, dead);
        using var cancellation = new CancellationTokenSource(Soon);
        Attempt(() => failing.SignalAndWait(cancellation.Token));
        Assert.Equal(0u, Memory.Word(Memory.Barrier) & 0x1FFFFFFF);
        Assert.Equal(0ul, Mapping.GetReference<ulong>(Memory.Barrier + 32));
    });

    [Fact]
    [Rule("refused.clean")]
    public void Doing_something_once() => Walk(() =>
    {
        Memory.Store(Memory.Once, 0);
        var once = SharedOnce.At(Roster, Memory.Once);
        Task<bool>? other = null;
        var isDone = Attempt(() => SharedOnce.At(FailingRoster, Memory.Once).Run(() =>
        {
            FailingKernel.Disarm();
            other = Task.Run(() => once.Run(() => { }));
            Watchdog.Until(() => Memory.Word(Memory.Once) >> 31 != 0, "the other");
            FailingKernel.Arm();
        }));
        Assert.True(once.IsDone || !isDone);
        Wake(Memory.Once);
        Assert.False(other is not null && Result(other));
    });

    [Fact]
    [Rule("refused.clean")]
    public void Notifying_and_waiting_for_an_event_count()
    {
        var count = SharedEventCount.At(Roster, Memory.EventCount);
        Walk(() =>
        {
            var failing = SharedEventCount.At(FailingRoster, Memory.EventCount);
            var key = count.PrepareWait();
            var sleeper = Task.Run(() => count.Wait(key, Watchdog.Limit));
            Attempt(() => failing.NotifyAll());
            Assert.NotEqual(key, count.PrepareWait());
            Wake(Memory.EventCount);
            Assert.True(Result(sleeper));
            Attempt(() => failing.Wait(failing.PrepareWait(), Soon));
            using var cancellation = new CancellationTokenSource(Soon);
            Attempt(() => failing.Wait(failing.PrepareWait(), Soon, cancellation.Token));
            Task? waiting = null;
            Attempt(() => waiting = failing.WaitAsync(failing.PrepareWait()).AsTask());
            count.NotifyAll();
            Assert.True(waiting?.Wait(Watchdog.Limit) ?? true);
        });
    }

    [Theory]
    [InlineData(EventResetMode.AutoReset)]
    [InlineData(EventResetMode.ManualReset)]
    [Rule("refused.clean")]
    public void Setting_an_event_and_waiting_for_it(EventResetMode mode) => Walk(() =>
    {
        Mapping.GetSpan(Memory.Event, SharedEvent.Size).Clear();
        var signal = SharedEvent.At(Mapping, Memory.Event, mode);
        AttemptWithoutRoster(() => Assert.False(signal.Wait(Soon)));
        Task? waiting = null;
        AttemptWithoutRoster(() => waiting = SharedEvent.Open(Mapping, Memory.Event).WaitAsync().AsTask());
        signal.Set();
        if (waiting is not null)
        {
            Assert.True(waiting.Wait(Watchdog.Limit));
            Assert.Equal(mode == EventResetMode.ManualReset, signal.IsSet);
        }

        // A wait that could not begin has taken nothing.
        Assert.True(waiting is not null || signal.IsSet);
        signal.Reset();
        var sleeper = Task.Run(() => signal.Wait(Watchdog.Limit));
        Watchdog.Until(() => Memory.Word(Memory.Event) >> 31 != 0, "the sleeper");
        AttemptWithoutRoster(signal.Set);
        Watchdog.Until(() => sleeper.IsCompleted || signal.IsSet, "the signal");
        Wake(Memory.Event);
        Assert.True(Result(sleeper));
    });

    [Theory]
    [InlineData(5)]
    [InlineData(int.MaxValue)]
    [Rule("refused.clean")]
    public void Releasing_permits_and_waiting_for_them(int maximum) => Walk(() =>
    {
        Mapping.GetSpan(Memory.Semaphore, SharedSemaphore.Size).Clear();
        var semaphore = SharedSemaphore.At(Mapping, Memory.Semaphore, 0, maximum);
        AttemptWithoutRoster(() => Assert.False(semaphore.Wait(Soon)));
        var isAny = -2;
        AttemptWithoutRoster(() => isAny = SharedWait.WaitAny([semaphore, SharedEvent.At(Mapping, Memory.Event, EventResetMode.AutoReset)], Soon));
        Assert.InRange(isAny, -2, -1);
        var sleepers = new[] { Task.Run(() => semaphore.Wait(Watchdog.Limit)), Task.Run(() => semaphore.Wait(Watchdog.Limit)) };
        Watchdog.Until(() => Memory.Word(Memory.Semaphore) >> 31 != 0, "a sleeper");
        AttemptWithoutRoster(() => semaphore.Release(2));
        while (!Task.WaitAll(sleepers, 1))
        {
            Wake(Memory.Semaphore);
        }

        Assert.Equal(0, semaphore.CurrentCount);
    });

    [Fact]
    [Rule("refused.clean")]
    public void Waiting_for_a_condition_and_pulsing_it()
    {
        var mutex = SharedMutex.At(Roster, Memory.Mutex);
        var condition = SharedCondition.At(Mapping, Memory.Condition);
        Walk(() =>
        {
            var hold = SharedMutex.At(FailingRoster, Memory.Mutex).Enter();
            AttemptWithoutRoster(() => condition.Wait(hold, Soon));
            hold.Dispose();
            Assert.False(Enter(mutex));
            var asleep = mutex.Enter();
            var sleeper = Task.Run(() => condition.Wait(asleep, Watchdog.Limit));
            Watchdog.Until(() => !mutex.IsHeld, "the sleeper");
            var before = Memory.Word(Memory.Condition);
            AttemptWithoutRoster(condition.PulseAll);
            Assert.NotEqual(before, Memory.Word(Memory.Condition));
            Wake(Memory.Condition);
            Assert.True(Result(sleeper));
            asleep.Dispose();
        });
    }

    [Fact]
    [Rule("refused.clean")]
    public void Waiting_for_a_POSIX_semaphore_and_posting_it() => Walk(() =>
    {
        PosixSemaphoreLayout.Template.CopyTo(Mapping.GetSpan(Memory.Data, PosixSemaphore.Size));
        using var semaphore = PosixSemaphore.At(Mapping, Memory.Data);
        AttemptWithoutRoster(() => Assert.False(semaphore.Wait(Soon)));
        Assert.Equal(0u, Memory.Word(Memory.Data + 4));
        var sleeper = Task.Run(() => semaphore.Wait(Watchdog.Limit));
        Watchdog.Until(() => Memory.Word(Memory.Data + 4) == 1, "the sleeper");
        AttemptWithoutRoster(() => semaphore.Release());
        Wake(Memory.Data);
        Assert.True(Result(sleeper));
        Assert.Equal(0ul, Mapping.GetReference<ulong>(Memory.Data));
    });

    [Fact]
    [Rule("refused.thread")]
    public void Where_no_thread_can_be_started_nothing_is_taken_for_a_wait_that_could_not_begin()
    {
        var kernel = new FailingKernel();
        kernel.FailAll("clone", Errno.EAGAIN);
        kernel.Arm();
        Assert.Throws<OutOfMemoryException>(() => Roster.Join(kernel, FailingMapping, Memory.OneSeat, 1, null));
        Assert.Equal(0, kernel.Pages);
        var before = Kernel.Current;
        try
        {
            Kernel.Current = kernel;
            var signal = SharedEvent.At(Mapping, Memory.Event, EventResetMode.AutoReset);
            Assert.Throws<OutOfMemoryException>(() => _ = signal.WaitAsync());
            kernel.Disarm();
            var second = signal.WaitAsync().AsTask();
            signal.Set();
            Assert.True(second.Wait(Watchdog.Limit));
            kernel.Arm();

            // One thread is there; more words than fit into its sleep are looked at by turns.
            var semaphores = Enumerable.Range(0, 150).Select(i => SharedSemaphore.At(Mapping, Memory.OneSeat + 64 + (i * 16), 0)).ToArray();
            var waits = semaphores.Select(semaphore => semaphore.WaitAsync().AsTask()).ToArray();
            Array.ForEach(semaphores, semaphore => semaphore.Release());
            Assert.True(Task.WaitAll(waits, Watchdog.Limit));
            Assert.All(semaphores, semaphore => Assert.Equal(0, semaphore.CurrentCount));
        }
        finally
        {
            Kernel.Current = before;
        }
    }

    private static void Take(SharedSemaphore semaphore, int count)
    {
        for (var i = 0; i < count; i++)
        {
            Assert.True(semaphore.Wait(Watchdog.Limit));
        }
    }
}
