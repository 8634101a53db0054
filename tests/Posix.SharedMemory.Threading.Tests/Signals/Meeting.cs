using System.Numerics;
using Posix.SharedMemory.Threading.Tests.Peers;

namespace Posix.SharedMemory.Threading.Tests;

/// <summary>Conditions, barriers, and what is done once.</summary>
public sealed class Meeting : TwoParticipants
{
    [Fact]
    [Rule("condition.wait")]
    public async Task A_condition_leaves_the_lock_and_enters_it_again()
    {
        var mutex = SharedMutex.At(Roster, Memory.Mutex);
        var other = SharedMutex.At(OtherRoster, Memory.Mutex);
        var condition = SharedCondition.At(Mapping, Memory.Condition);
        var otherCondition = SharedCondition.At(OtherMapping, Memory.Condition);
        Assert.Equal(0x31435850u, Memory.Word(Memory.Condition + 4));
        var blocked = Task.Run(() =>
        {
            using var hold = mutex.Enter();
            while (Volatile.Read(ref Mapping.GetReference<int>(Memory.Data)) == 0)
            {
                condition.Wait(hold);
            }

            return mutex.Holder == Roster.Self;
        });
        var waiting = WaitAsync();
        await Task.Delay(30);
        using (other.Enter())
        {
            OtherMapping.GetReference<int>(Memory.Data) = 1;
            otherCondition.PulseAll();
        }

        Assert.True(await blocked.WaitAsync(Watchdog.Limit));
        Assert.True(await waiting.WaitAsync(Watchdog.Limit));
        Assert.Null(mutex.Holder);

        async Task<bool> WaitAsync()
        {
            using var hold = await mutex.EnterAsync();
            while (Volatile.Read(ref Mapping.GetReference<int>(Memory.Data)) == 0)
            {
                await condition.WaitAsync(hold);
            }

            return mutex.Holder == Roster.Self;
        }
    }

    [Fact]
    [Rule("condition.hold")]
    public void The_hold_is_valid_again_after_a_timeout_and_a_cancellation()
    {
        var mutex = SharedMutex.At(Roster, Memory.Mutex);
        var condition = SharedCondition.At(Mapping, Memory.Condition);
        using var cancellation = new CancellationTokenSource(10);
        var hold = mutex.Enter();
        Assert.False(condition.Wait(hold, TimeSpan.FromMilliseconds(10)));
        Assert.Throws<OperationCanceledException>(() => condition.Wait(hold, cancellation.Token));
        Assert.Equal(Roster.Self, mutex.Holder);
        hold.Dispose();
        Assert.Null(mutex.Holder);
        Assert.Throws<InvalidOperationException>(() => condition.Wait(hold));
        Assert.Throws<InvalidOperationException>(() => condition.Wait(default));
    }

    [Fact]
    [Rule("condition.pulse")]
    public async Task A_pulse_wakes_one()
    {
        var mutex = SharedMutex.At(Roster, Memory.Mutex);
        var condition = SharedCondition.At(Mapping, Memory.Condition);
        var inside = 0;
        var waits = Enumerable.Range(0, 2).Select(_ => Task.Run(() =>
        {
            using var hold = mutex.Enter();
            Volatile.Write(ref inside, inside + 1);
            condition.Wait(hold);
        })).ToArray();

        // Counted inside the mutex, which a waiter leaves only by waiting.
        Watchdog.Until(() => Volatile.Read(ref inside) == 2, "two waiters");
        for (var i = 0; i < 2; i++)
        {
            using (mutex.Enter())
            {
                condition.Pulse();
            }
        }

        await Task.WhenAll(waits).WaitAsync(Watchdog.Limit);
    }

    [Fact]
    [Rule("condition.pulse")]
    public async Task A_pulse_ends_one_asynchronous_wait_and_a_pulse_for_all_ends_all()
    {
        var mutex = SharedMutex.At(Roster, Memory.Mutex);
        var condition = SharedCondition.At(Mapping, Memory.Condition);
        var inside = 0;
        var waits = Enumerable.Range(0, 5).Select(_ => WaitAsync()).ToList();
        Watchdog.Until(() => Volatile.Read(ref inside) == 5, "five waiters");
        for (var left = 5; left > 3; left--)
        {
            using (await mutex.EnterAsync())
            {
                condition.Pulse();
            }

            waits.Remove(await Task.WhenAny(waits).WaitAsync(Watchdog.Limit));
            await Task.Delay(20);
            Assert.Equal(0, waits.Count(wait => wait.IsCompleted));
        }

        using (await mutex.EnterAsync())
        {
            condition.PulseAll();
        }

        await Task.WhenAll(waits).WaitAsync(Watchdog.Limit);

        async Task WaitAsync()
        {
            using var hold = await mutex.EnterAsync();
            Interlocked.Increment(ref inside);
            await condition.WaitAsync(hold);
        }
    }

    [Fact]
    [Rule("once.run")]
    public async Task A_word_that_no_process_stores_is_not_taken_for_work_that_is_done()
    {
        var once = SharedOnce.At(Roster, Memory.Once);
        var mutex = SharedMutex.At(Roster, Memory.Mutex);
        foreach (var word in (uint[])[5, 0x0FFFFFFF])
        {
            Mapping.GetReference<uint>(Memory.Once) = word;
            Assert.Throws<InvalidDataException>(() => once.Run(() => { }));
            await Assert.ThrowsAsync<InvalidDataException>(() => once.RunAsync(_ => ValueTask.CompletedTask).AsTask());
        }

        Mapping.GetReference<uint>(Memory.Mutex) = 5;
        Assert.Throws<InvalidDataException>(() => mutex.Enter());
        Mapping.GetReference<uint>(Memory.Mutex) = 0x0FFFFFFF;
        Assert.Throws<RetiredException>(() => mutex.Enter());
    }

    [Fact]
    [Rule("once.run")]
    public async Task The_work_is_done_once()
    {
        var once = SharedOnce.At(Roster, Memory.Once);
        var other = SharedOnce.At(OtherRoster, OtherMapping, Memory.Once);
        Assert.Equal(0x314F5850u, Memory.Word(Memory.Once + 4));
        Assert.False(once.IsDone);
        Assert.Throws<InvalidTimeZoneException>(() => once.Run(() => throw new InvalidTimeZoneException()));
        var inside = new ManualResetEventSlim();
        var go = new ManualResetEventSlim();
        var first = Task.Run(() => once.Run(() =>
        {
            inside.Set();
            go.Wait();
            Assert.Throws<LockRecursionException>(() => once.Run(() => { }));
        }));
        inside.Wait();
        var second = other.RunAsync(_ => throw new InvalidOperationException("Done already.")).AsTask();
        var third = Task.Run(() => other.Run(() => throw new InvalidOperationException("Done already.")));
        using var cancellation = new CancellationTokenSource(20);
        Assert.Throws<OperationCanceledException>(() => other.Run(() => { }, cancellation.Token));
        go.Set();
        Assert.True(await first);
        Assert.False(await second);
        Assert.False(await third);
        Assert.True(other.IsDone);
        Assert.Equal(0x0FFFFFFEu, Memory.Word(Memory.Once));
        Assert.False(await other.RunAsync(_ => ValueTask.CompletedTask));
    }

    [Fact]
    [Rule("once.died")]
    public async Task The_next_process_repeats_the_work_if_the_first_one_dies()
    {
        var once = SharedOnce.At(Roster, Memory.Once);
        using var partner = Partner.Join(Memory);
        Assert.Equal("inside", partner.Ask("once"));
        var second = Task.Run(() => once.Run(() => { }));
        var third = once.RunAsync(_ => ValueTask.CompletedTask).AsTask();
        partner.Kill();
        var did = await Task.WhenAll(second, third).WaitAsync(Watchdog.Limit);
        Assert.Single(did, done => done);
        Assert.True(once.IsDone);
    }

    [Fact]
    [Rule("barrier.pass")]
    public async Task All_members_pass_when_the_last_one_arrives()
    {
        Assert.Equal(128, SharedBarrier.SizeFor(3));
        var one = SharedBarrier.At(Roster, Memory.Barrier, 2);
        var two = SharedBarrier.At(OtherRoster, Memory.Barrier, 2);
        Assert.Throws<InvalidDataException>(() => SharedBarrier.At(Roster, Memory.Barrier, 3));
        for (var phase = 0u; phase < 20; phase++)
        {
            var first = phase % 2 == 0 ? Task.Run(() => one.SignalAndWait()) : one.SignalAndWaitAsync().AsTask();
            Watchdog.Until(() => Memory.Word(Memory.Barrier + 32) != 0, "an arrival");
            Assert.Equal(BarrierResult.Last, two.SignalAndWait());
            Assert.Equal(BarrierResult.Passed, await first.WaitAsync(Watchdog.Limit));
            Assert.Equal(phase + 1, Memory.Word(Memory.Barrier + 24));
        }
    }

    [Fact]
    [Rule("barrier.bounded")]
    public async Task A_cancelled_arrival_does_not_wait_for_a_process_that_is_stopped_inside_the_barrier()
    {
        var barrier = SharedBarrier.At(Roster, Memory.Barrier, 2);
        var mutex = SharedMutex.At(Roster, Memory.Mutex);
        using var cancellation = new CancellationTokenSource();
        var blocked = Task.Run(() => barrier.SignalAndWait(cancellation.Token));
        Watchdog.Until(() => Memory.Word(Memory.Barrier + 32) != 0, "the arrival");
        var inner = StopInside();
        cancellation.Cancel();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => blocked.WaitAsync(Watchdog.Limit));
        Assert.Equal(1u, Memory.Word(Memory.Barrier + 32));
        // Whoever waits by the service thread, which has to withdraw the arrival, is served.
        var hold = mutex.Enter();
        var entering = mutex.EnterAsync().AsTask();
        hold.Dispose();
        (await entering.WaitAsync(Watchdog.Limit)).Dispose();
        inner.Leave();
        Watchdog.Until(() => Memory.Word(Memory.Barrier + 32) == 0, "the withdrawal");

        // The same without a thread; and an arrival that comes before the withdrawal is one.
        using var again = new CancellationTokenSource();
        var waiting = barrier.SignalAndWaitAsync(again.Token).AsTask();
        Watchdog.Until(() => Memory.Word(Memory.Barrier + 32) != 0, "the arrival");
        inner = StopInside();
        again.Cancel();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => waiting.WaitAsync(Watchdog.Limit));
        var next = barrier.SignalAndWaitAsync().AsTask();
        inner.Leave();
        Watchdog.Until(() => !barrier.OwesWithdrawal && Memory.Word(Memory.Barrier + 32) == 1, "the new arrival");
        Assert.Equal(BarrierResult.Last, SharedBarrier.At(OtherRoster, OtherMapping, Memory.Barrier, 2).SignalAndWait());
        Assert.Equal(BarrierResult.Passed, await next.WaitAsync(Watchdog.Limit));

        OwnedWord StopInside()
        {
            var word = WordAt(Memory.Barrier);
            Watchdog.Until(word.TryEnterFree, "the barrier's mutex");
            return word;
        }
    }

    private unsafe OwnedWord WordAt(long offset)
    {
        var bytes = HeldBytes.Take(OtherMapping, offset, LockLayout.MutexSize, alignment: 8);
        // SAFETY: the object that is made keeps the bytes mapped.
        return new(OtherRoster.Seat, bytes, (uint*)bytes.First);
    }

    [Fact]
    [Rule("barrier.cancel")]
    public void A_cancelled_arrival_is_withdrawn()
    {
        var one = SharedBarrier.At(Roster, Memory.Barrier, 2);
        using var cancellation = new CancellationTokenSource(20);
        Assert.Throws<OperationCanceledException>(() => one.SignalAndWait(cancellation.Token));
        Assert.Equal(0u, Memory.Word(Memory.Barrier + 32));
        using var again = new CancellationTokenSource(20);
        Assert.Throws<OperationCanceledException>(() => one.SignalAndWait(again.Token));
    }

    [Fact]
    [Rule("barrier.broken")]
    public async Task A_member_that_dies_before_it_arrives_breaks_the_phase_for_all_that_arrived()
    {
        var one = SharedBarrier.At(Roster, Memory.Barrier, 3);
        var two = SharedBarrier.At(OtherRoster, Memory.Barrier, 3);
        var partner = Partner.Join(Memory);
        var first = Task.Run(() => one.SignalAndWait());
        var second = two.SignalAndWaitAsync().AsTask();
        partner.Ask("arrive");
        await Task.WhenAll(first, second).WaitAsync(Watchdog.Limit);
        first = Task.Run(() => one.SignalAndWait());
        second = two.SignalAndWaitAsync().AsTask();
        Watchdog.Until(() => BitOperations.PopCount(Memory.Word(Memory.Barrier + 32)) == 2, "two arrivals");
        await Task.Delay(30);
        Assert.False(first.IsCompleted || second.IsCompleted);
        partner.Kill();
        partner.Dispose();
        Assert.Equal(BarrierResult.Broken, await first.WaitAsync(Watchdog.Limit));
        Assert.Equal(BarrierResult.Broken, await second.WaitAsync(Watchdog.Limit));
        Assert.Equal(1u, Memory.Word(Memory.Barrier + 28));
        // It counts on without the dead one, until a newcomer takes its place.
        first = Task.Run(() => one.SignalAndWait());
        Watchdog.Until(() => Memory.Word(Memory.Barrier + 32) != 0, "an arrival");
        Assert.Equal(BarrierResult.Last, two.SignalAndWait());
        Assert.Equal(BarrierResult.Passed, await first.WaitAsync(Watchdog.Limit));
        using var newcomer = Partner.Join(Memory);
        newcomer.Tell("arrive");
        first = Task.Run(() => one.SignalAndWait());
        Watchdog.Until(() => Memory.Word(Memory.Barrier + 28) == 0 && System.Numerics.BitOperations.PopCount(Memory.Word(Memory.Barrier + 32)) == 2, "two arrivals");
        Assert.Equal(BarrierResult.Last, two.SignalAndWait());
        Assert.Equal("Passed", newcomer.ReadLine());
        await first;
    }

    [Fact]
    [Rule("barrier.broken")]
    public async Task A_member_that_dies_between_two_phases_breaks_the_next_one_for_whoever_arrives()
    {
        var barrier = SharedBarrier.At(Roster, Memory.Barrier, 3);
        var other = SharedBarrier.At(OtherRoster, Memory.Barrier, 3);
        var partner = Partner.Join(Memory);
        var first = barrier.SignalAndWaitAsync().AsTask();
        var second = other.SignalAndWaitAsync().AsTask();
        // An asynchronous arrival has happened when the call returns.
        Assert.Equal(2, BitOperations.PopCount(Memory.Word(Memory.Barrier + 32)));
        partner.Ask("arrive");
        await Task.WhenAll(first, second).WaitAsync(Watchdog.Limit);
        partner.Kill();
        partner.Dispose();
        Assert.Equal(BarrierResult.Broken, barrier.SignalAndWait());
        first = barrier.SignalAndWaitAsync().AsTask();
        Assert.Equal(BarrierResult.Last, other.SignalAndWait());
        Assert.Equal(BarrierResult.Passed, await first.WaitAsync(Watchdog.Limit));
    }

    [Fact]
    [Rule("wait.any")]
    public async Task WaitAny_takes_the_first_signal_and_no_other()
    {
        var signal = SharedEvent.At(Mapping, Memory.Event, EventResetMode.AutoReset);
        var semaphore = SharedSemaphore.At(Mapping, Memory.Semaphore, 0);
        var returning = SharedSemaphore.ReturningAt(Roster, Memory.Returning, 3);
        using var partner = Partner.Join(Memory);
        ISharedWaitable[] things = [signal, semaphore, Roster.GetEnd(partner.Self)];
        Assert.Equal(-1, SharedWait.WaitAny(things, TimeSpan.Zero));
        Assert.Equal(-1, SharedWait.WaitAny(things, TimeSpan.FromMilliseconds(20)));
        semaphore.Release();
        Assert.Equal(1, SharedWait.WaitAny(things, Timeout.InfiniteTimeSpan));
        Assert.Equal(0, semaphore.CurrentCount);
        var waiting = SharedWait.WaitAnyAsync(things).AsTask();
        var blocked = Task.Run(() => SharedWait.WaitAny(things, Timeout.InfiniteTimeSpan));
        await Task.Delay(30);
        signal.Set();
        await Task.WhenAny(waiting, blocked).WaitAsync(Watchdog.Limit);
        Assert.False(signal.IsSet);
        semaphore.Release();
        Assert.Equal(1, (await waiting.WaitAsync(Watchdog.Limit)) + (await blocked.WaitAsync(Watchdog.Limit)));
        Assert.Equal(0, semaphore.CurrentCount);
        waiting = SharedWait.WaitAnyAsync(things).AsTask();
        blocked = Task.Run(() => SharedWait.WaitAny(things, Timeout.InfiniteTimeSpan));
        partner.Kill();
        Assert.Equal(2, await waiting.WaitAsync(Watchdog.Limit));
        Assert.Equal(2, await blocked.WaitAsync(Watchdog.Limit));
        Assert.Equal(0, SharedWait.WaitAny([returning], TimeSpan.Zero));
        using var cancellation = new CancellationTokenSource(20);
        Assert.Throws<OperationCanceledException>(() => SharedWait.WaitAny([signal], Timeout.InfiniteTimeSpan, cancellation.Token));
        Assert.Throws<ArgumentException>(() => SharedWait.WaitAny([], TimeSpan.Zero));
        Assert.Throws<ArgumentException>(() => SharedWait.WaitAny([null!], TimeSpan.Zero));
        Assert.Throws<ArgumentException>(() => SharedWait.WaitAny(Enumerable.Repeat<ISharedWaitable>(signal, 127).ToArray(), TimeSpan.Zero));
    }
}
