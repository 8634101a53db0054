namespace Posix.SharedMemory.Threading.Tests.Peers;

/// <summary>Processes that are killed at a system call of a wait or a signal.</summary>
public sealed class KillingInSignals : KillingAtCalls
{
    private readonly SharedSemaphore _semaphore;

    public KillingInSignals() => _semaphore = SharedSemaphore.ReturningAt(Roster, Memory.Returning, 3);

    [Fact]
    [Rule("killed.call")]
    public void A_waiter_for_a_permit_that_comes_back() => Walk(victim =>
    {
        TakeAll();
        victim.Tell("take");
        Watchdog.Until(() => Roster.GetParticipants().Count == 3 || HasEnded(victim), "the waiter");
        LetSleep();
        _semaphore.Release(3);
        End(victim, answers: 1);
        TakeAll();
        _semaphore.Release(3);
    });

    [Fact]
    [Rule("killed.call")]
    public void A_process_that_gives_a_permit_back() => Walk(
        victim =>
        {
            var waiting = Task.Run(() => _semaphore.Wait(Watchdog.Limit));
            victim.Tell("give");
            End(victim, answers: 1);
            Assert.True(Result(waiting));
            Assert.True(_semaphore.Wait(Watchdog.Limit));
            Assert.True(_semaphore.Wait(Watchdog.Limit));
            _semaphore.Release(3);
        },
        "take",
        "take",
        "take");

    [Fact]
    [Rule("killed.call")]
    public void A_waiter_for_a_permit() => Walk(victim =>
    {
        var semaphore = NewSemaphore(5);
        victim.Tell("wait-semaphore");
        Watchdog.Until(() => (Memory.Word(Memory.Semaphore) >> 31) == 1 || HasEnded(victim), "the waiter");
        var other = Task.Run(() => semaphore.Wait(Watchdog.Limit));
        semaphore.Release(2);
        End(victim, answers: 1);
        Assert.True(Result(other));
        Assert.InRange(semaphore.CurrentCount, 0, IsFinished ? 0 : 1);
    });

    [Theory]
    [InlineData(5)]
    [InlineData(int.MaxValue)]
    [Rule("killed.call")]
    public void A_process_that_releases_permits_to_sleepers(int maximum) => Walk(victim =>
    {
        var semaphore = NewSemaphore(maximum);
        var blocked = Task.Run(() => semaphore.Wait(Watchdog.Limit));
        var waiting = semaphore.WaitAsync(Watchdog.Limit).AsTask();
        Watchdog.Until(() => (Memory.Word(Memory.Semaphore) >> 31) == 1, "the sleepers");
        victim.Tell("release");
        End(victim, answers: 1);
        if (!Task.WaitAll([blocked, waiting], 10) && semaphore.CurrentCount == 0)
        {
            // Killed before it released any; or they are taken a moment from now.
            semaphore.Release(2);
        }

        Assert.True(Result(blocked) && Result(waiting));
        Assert.True(semaphore.CurrentCount is 0 or 2);
    });

    [Fact]
    [Rule("killed.call")]
    public void A_waiter_for_an_event() => Walk(victim =>
    {
        var signal = NewEvent();
        victim.Tell("wait-event");
        Watchdog.Until(() => (Memory.Word(Memory.Event) >> 31) == 1 || HasEnded(victim), "the waiter");
        var other = Task.Run(() => signal.Wait(Watchdog.Limit));
        var end = Task.Run(() => End(victim, answers: 1));
        while (!Task.WaitAll([other, end], 10))
        {
            // One signal, and either takes it: the other one gets the next.
            if (!signal.IsSet)
            {
                signal.Set();
            }
        }

        Assert.True(Result(other));
    });

    [Fact]
    [Rule("killed.call")]
    public void A_process_that_sets_an_event() => Walk(victim =>
    {
        var signal = NewEvent();
        var waiting = Task.Run(() => signal.Wait(Watchdog.Limit));
        Watchdog.Until(() => (Memory.Word(Memory.Event) >> 31) == 1, "the sleeper");
        victim.Tell("set");
        End(victim, answers: 1);
        if (!waiting.Wait(10) && !signal.IsSet)
        {
            signal.Set();
        }

        Assert.True(Result(waiting));
    });

    [Fact]
    [Rule("killed.call")]
    public void A_member_of_a_barrier() => Walk(victim =>
    {
        Mapping.GetSpan(Memory.Barrier, 256).Clear();
        var first = SharedBarrier.At(Roster, Memory.Barrier, 3);
        var second = SharedBarrier.At(OtherRoster, OtherMapping, Memory.Barrier, 3);
        using var cancellation = new CancellationTokenSource();
        var arrived = first.SignalAndWaitAsync(cancellation.Token).AsTask();
        victim.Tell("arrive");
        Watchdog.Until(() => Memory.Word(Memory.Barrier + 64 + 4) != 0 || HasEnded(victim), "the member");
        var isMember = Memory.Word(Memory.Barrier + 64 + 4) != 0;
        var other = second.SignalAndWaitAsync(cancellation.Token).AsTask();
        if (!isMember)
        {
            // Killed before it became a member: it is waited for.
            cancellation.Cancel();
            Assert.ThrowsAny<OperationCanceledException>(() => Result(other));
            Assert.ThrowsAny<OperationCanceledException>(() => Result(arrived));
            return;
        }

        End(victim, answers: 1);
        var results = new[] { Result(arrived), Result(other) };
        Assert.True(results.All(result => result == BarrierResult.Broken) || results.All(result => result != BarrierResult.Broken), string.Join(", ", results));
    });

    [Fact]
    [Rule("killed.call")]
    public void A_process_that_does_something_once() => Walk(victim =>
    {
        Memory.Store(Memory.Once, 0);
        victim.Tell("once");
        victim.Tell("go on");
        End(victim, answers: 2);
        var once = SharedOnce.At(Roster, Memory.Once);
        var done = once.IsDone;
        Assert.Equal(!done, once.Run(() => { }));
        Assert.True(once.IsDone);
    });

    [Fact]
    [Rule("killed.call")]
    public void A_notifier() => Walk(victim =>
    {
        var count = SharedEventCount.At(Roster, Memory.EventCount);
        var key = count.PrepareWait();
        var waiting = count.WaitAsync(key).AsTask();
        var blocked = Task.Run(() => count.Wait(key, Watchdog.Limit));
        victim.Tell("notify");
        End(victim, answers: 1);
        waiting.WaitAsync(Watchdog.Limit).GetAwaiter().GetResult();
        Assert.True(Result(blocked));
    });

    private SharedSemaphore NewSemaphore(int maximum)
    {
        Mapping.GetSpan(Memory.Semaphore, SharedSemaphore.Size).Clear();
        return SharedSemaphore.At(Mapping, Memory.Semaphore, 0, maximum);
    }

    private SharedEvent NewEvent()
    {
        Mapping.GetSpan(Memory.Event, SharedEvent.Size).Clear();
        return SharedEvent.At(Mapping, Memory.Event, EventResetMode.AutoReset);
    }

    private void TakeAll()
    {
        for (var i = 0; i < 3; i++)
        {
            Assert.True(_semaphore.Wait(Watchdog.Limit));
        }
    }
}
