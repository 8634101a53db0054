using Posix.SharedMemory.Threading.Tests.Peers;

namespace Posix.SharedMemory.Threading.Tests;

/// <summary>Every kind of lock and signal wakes its sleepers by itself: here nobody looks after a second, so each missing wake-up is a test that hangs.</summary>
public sealed class WakingWithoutLooks : TwoParticipants
{
    private readonly RareLooks _rare = new();

    /// <summary>What a sleeper of each kind waits for, and what wakes it. Both forms of a wait are tried, and death in the place of the waker where a death ends the wait.</summary>
    public static TheoryData<string> Kinds =>
        ["mutex", "patient mutex", "unrepaired mutex", "retired mutex", "reader", "writer of readers", "writer of a writer", "semaphore", "full semaphore", "returning semaphore", "manual event",
            "automatic event", "event count", "condition", "all of a condition", "barrier", "once", "word", "any"];

    [Theory]
    [MemberData(nameof(Kinds))]
    [Rule("signals.woken")]
    public async Task A_blocked_sleeper_is_woken(string kind)
    {
        var (wait, _, wake) = Prepare(kind);
        var thread = new Thread(() => wait()) { Name = "sleeper" };
        thread.Start();
        Watchdog.Until(() => ServiceThreads.IsInFutex("sleeper"), "the sleep");
        wake();
        await Task.Run(thread.Join).WaitAsync(Watchdog.Limit);
    }

    [Theory]
    [MemberData(nameof(Kinds))]
    [Rule("signals.woken")]
    public async Task An_asynchronous_wait_is_ended(string kind)
    {
        var (_, waitAsync, wake) = Prepare(kind);
        var waiting = waitAsync();
        Assert.False(waiting.IsCompleted);
        // The service thread sleeps on its word, or is about to: both must do.
        if (Random.Shared.Next(2) == 0)
        {
            Watchdog.Until(AllSleep, "the sleep of the service threads");
        }

        wake();
        await waiting.WaitAsync(Watchdog.Limit);
    }

    [Theory]
    [InlineData("enter", "mutex")]
    [InlineData("write", "reader-writer lock")]
    [InlineData("read", "writer")]
    [InlineData("take", "returning semaphore")]
    [InlineData("arrive", "barrier")]
    [InlineData("once", "once")]
    [InlineData("notify", "event count")]
    [InlineData("notify", "end")]
    [Rule("signals.woken")]
    public async Task A_death_wakes_blocked_and_asynchronous_sleepers(string act, string kind)
    {
        using var partner = Partner.Join(Memory);
        if (act == "arrive")
        {
            // It must be a member before it dies: all three arrive once.
            partner.Tell(act);
            var others = new[] { Arrive(Roster, Mapping), Arrive(OtherRoster, OtherMapping) };
            await Task.WhenAll(others).WaitAsync(Watchdog.Limit);
            partner.ReadLine();
        }
        else if (act == "take")
        {
            Assert.Equal("taken", partner.Ask(act));
            Assert.Equal("taken", partner.Ask(act));
            Assert.Equal("taken", partner.Ask(act));
        }
        else
        {
            partner.Ask(act);
        }

        var (wait, waitAsync) = PrepareForDeath(kind, partner.Self);
        var thread = new Thread(() => wait()) { Name = "sleeper" };
        thread.Start();
        Watchdog.Until(() => ServiceThreads.IsInFutex("sleeper"), "the sleep");
        var waiting = waitAsync();
        Watchdog.Until(AllSleep, "the sleep of the service threads");
        partner.Kill();
        await Task.Run(thread.Join).WaitAsync(Watchdog.Limit);
        await waiting.WaitAsync(Watchdog.Limit);

        static Task Arrive(Roster roster, MemoryMapping mapping) => Task.Run(() => SharedBarrier.At(roster, mapping, Memory.Barrier, 3).SignalAndWait());
    }

    protected override void Dispose(bool disposing)
    {
        _rare.Dispose();
        base.Dispose(disposing);
    }

    private static bool AllSleep() => ServiceThreads.Count() == ServiceThreads.CountInFutex();

    /// <summary>A wait of the other participant that finds nothing, in both forms, and what this one does to end it.</summary>
    private (Action Wait, Func<Task> WaitAsync, Action Wake) Prepare(string kind)
    {
        switch (kind)
        {
            case "mutex" or "patient mutex" or "unrepaired mutex" or "retired mutex":
                return PrepareMutex(kind);
            case "reader" or "writer of readers" or "writer of a writer":
                return PrepareReaderWriter(kind);
            case "semaphore" or "full semaphore":
                var maximum = kind == "semaphore" ? int.MaxValue : 2;
                var semaphore = SharedSemaphore.At(Mapping, Memory.Semaphore, 0, maximum);
                return (() => semaphore.Wait(), () => semaphore.WaitAsync().AsTask(), () => SharedSemaphore.At(OtherMapping, Memory.Semaphore, 0, maximum).Release());
            case "returning semaphore":
                var mine = SharedSemaphore.ReturningAt(Roster, Memory.Returning, 1);
                var theirs = SharedSemaphore.ReturningAt(OtherRoster, OtherMapping, Memory.Returning, 1);
                mine.Wait();
                return (() => theirs.Wait(), () => theirs.WaitAsync().AsTask(), () => mine.Release());
            case "manual event" or "automatic event":
                var mode = kind == "manual event" ? EventResetMode.ManualReset : EventResetMode.AutoReset;
                var signal = SharedEvent.At(Mapping, Memory.Event, mode);
                return (() => signal.Wait(), () => signal.WaitAsync().AsTask(), () => SharedEvent.At(OtherMapping, Memory.Event, mode).Set());
            case "event count":
                var count = SharedEventCount.At(Roster, Memory.EventCount);
                var other = SharedEventCount.At(OtherRoster, OtherMapping, Memory.EventCount);
                return (() => count.Wait(count.PrepareWait(), Timeout.InfiniteTimeSpan), () => count.WaitAsync(count.PrepareWait()).AsTask(), () => Assert.True(other.NotifyAll()));
            case "condition" or "all of a condition":
                return PrepareCondition(all: kind != "condition");
            case "barrier":
                var first = SharedBarrier.At(Roster, Memory.Barrier, 2);
                var second = SharedBarrier.At(OtherRoster, OtherMapping, Memory.Barrier, 2);
                // Where another process is inside at that moment, the asynchronous arrival may come after this one.
                return (() => first.SignalAndWait(), () => first.SignalAndWaitAsync().AsTask(), () => Assert.NotEqual(BarrierResult.Broken, second.SignalAndWait()));
            case "once":
                return PrepareOnce();
            case "word":
                var word = SharedWord.At(Mapping, Memory.Data);
                return (() => word.Wait(0, Timeout.InfiniteTimeSpan), () => word.WaitAsync(0).AsTask(), () => word.AddAndWake(1, 1));
            default:
                ISharedWaitable[] any = [SharedSemaphore.At(Mapping, Memory.Semaphore, 0), SharedEvent.At(Mapping, Memory.Event, EventResetMode.AutoReset)];
                return (() => SharedWait.WaitAny(any, Timeout.InfiniteTimeSpan), () => SharedWait.WaitAnyAsync(any).AsTask(), () => SharedEvent.Open(OtherMapping, Memory.Event).Set());
        }
    }

    /// <summary>A wait of either participant that the death of the partner ends: one on a thread, one without.</summary>
    private (Action Wait, Func<Task> WaitAsync) PrepareForDeath(string kind, Participant partner)
    {
        switch (kind)
        {
            case "mutex":
                return (() => Enter(SharedMutex.At(Roster, Memory.Mutex)), () => EnterAsync(SharedMutex.At(OtherRoster, Memory.Mutex)));
            case "reader-writer lock":
                return (() => SharedReaderWriterLock.At(Roster, Memory.ReaderWriter).EnterReadUnrepaired().Dispose(), async () => (await SharedReaderWriterLock.At(OtherRoster, Memory.ReaderWriter).EnterWriteUnrepairedAsync()).Dispose());
            case "writer":
                return (() => SharedReaderWriterLock.At(Roster, Memory.ReaderWriter).EnterWrite().Dispose(), async () => (await SharedReaderWriterLock.At(OtherRoster, Memory.ReaderWriter).EnterReadAsync()).Dispose());
            case "returning semaphore":
                return (() => SharedSemaphore.ReturningAt(Roster, Memory.Returning, 3).Wait(), () => SharedSemaphore.ReturningAt(OtherRoster, OtherMapping, Memory.Returning, 3).WaitAsync().AsTask());
            case "barrier":
                return (() => SharedBarrier.At(Roster, Memory.Barrier, 3).SignalAndWait(), () => SharedBarrier.At(OtherRoster, OtherMapping, Memory.Barrier, 3).SignalAndWaitAsync().AsTask());
            case "once":
                return (() => SharedOnce.At(Roster, Memory.Once).Run(() => { }), () => SharedOnce.At(OtherRoster, OtherMapping, Memory.Once).RunAsync(_ => default).AsTask());
            case "event count":
                var count = SharedEventCount.At(Roster, Memory.EventCount);
                var other = SharedEventCount.At(OtherRoster, OtherMapping, Memory.EventCount);
                return (() => count.Wait(count.PrepareWait(), Timeout.InfiniteTimeSpan), () => other.WaitAsync(other.PrepareWait()).AsTask());
            default:
                return (() => SharedWait.WaitAny([Roster.GetEnd(partner)], Timeout.InfiniteTimeSpan), () => OtherRoster.WaitForEndAsync(partner));
        }
    }

    private (Action Wait, Func<Task> WaitAsync, Action Wake) PrepareMutex(string kind)
    {
        var mutex = SharedMutex.At(Roster, Memory.Mutex);
        var other = SharedMutex.At(OtherRoster, Memory.Mutex);
        var hold = mutex.Enter();
        if (kind == "unrepaired mutex")
        {
            Memory.Store(Memory.Mutex, Memory.Word(Memory.Mutex) | LockLayout.Inconsistent);
        }

        if (kind == "patient mutex")
        {
            Memory.Store(Memory.Mutex, Memory.Word(Memory.Mutex) | LockLayout.Patient | LockLayout.Waiters);
        }

        return kind == "retired mutex"
            ? (() => Assert.Throws<RetiredException>(() => other.Enter()), () => Assert.ThrowsAsync<RetiredException>(() => other.EnterAsync().AsTask()), hold.Retire)
            : (() => Enter(other), () => EnterAsync(other), hold.Dispose);
    }

    private (Action Wait, Func<Task> WaitAsync, Action Wake) PrepareReaderWriter(string kind)
    {
        var mine = SharedReaderWriterLock.At(Roster, Memory.ReaderWriter);
        var other = SharedReaderWriterLock.At(OtherRoster, Memory.ReaderWriter);
        if (kind == "writer of readers")
        {
            var read = mine.EnterRead();
            return (() => other.EnterWrite().Dispose(), WriteAsync, read.Dispose);
        }

        var write = mine.EnterWrite();
        return kind == "reader" ? (() => other.EnterRead().Dispose(), ReadAsync, write.Dispose) : (() => other.EnterWrite().Dispose(), WriteAsync, write.Dispose);

        async Task WriteAsync() => (await other.EnterWriteAsync()).Dispose();

        async Task ReadAsync() => (await other.EnterReadAsync()).Dispose();
    }

    private (Action Wait, Func<Task> WaitAsync, Action Wake) PrepareCondition(bool all)
    {
        var mutex = SharedMutex.At(Roster, Memory.Mutex);
        var condition = SharedCondition.At(Mapping, Memory.Condition);
        var other = SharedCondition.At(OtherMapping, Memory.Condition);
        return (Wait, WaitAsync, () =>
        {
            // The waiter has left the lock by the time that it sleeps on the condition; an asynchronous one, too.
            SharedMutex.At(OtherRoster, Memory.Mutex).Enter().Dispose();
            if (all)
            {
                other.PulseAll();
            }
            else
            {
                other.Pulse();
            }
        });

        void Wait()
        {
            using var hold = mutex.Enter();
            condition.Wait(hold);
        }

        async Task WaitAsync()
        {
            using var hold = await mutex.EnterAsync();
            await condition.WaitAsync(hold);
        }
    }

    private (Action Wait, Func<Task> WaitAsync, Action Wake) PrepareOnce()
    {
        var once = SharedOnce.At(Roster, Memory.Once);
        var other = SharedOnce.At(OtherRoster, OtherMapping, Memory.Once);
        var inside = new ManualResetEventSlim();
        var go = new ManualResetEventSlim();
        var work = Task.Run(() => once.Run(() =>
        {
            inside.Set();
            go.Wait();
        }));
        inside.Wait();
        return (() => Assert.False(other.Run(() => Assert.Fail("It is done."))), async () => Assert.False(await other.RunAsync(_ => throw new InvalidOperationException("It is done."))), () =>
        {
            go.Set();
            work.Wait();
        });
    }
}
