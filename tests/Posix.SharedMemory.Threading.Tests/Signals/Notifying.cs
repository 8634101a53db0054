using Posix.SharedMemory.Threading.Tests.Peers;

namespace Posix.SharedMemory.Threading.Tests;

/// <summary>Event counts.</summary>
public sealed class Notifying : TwoParticipants
{
    [Fact]
    [Rule("eventcount.layout")]
    public void The_word_counts_notifications_and_marks_waiters()
    {
        var count = SharedEventCount.At(Roster, Memory.EventCount);
        Assert.Equal(0x314E5850u, Memory.Word(Memory.EventCount + 4));
        Assert.False(count.NotifyAll());
        Assert.Equal(0u, Memory.Word(Memory.EventCount));
        var key = count.PrepareWait();
        Assert.True(count.HasWaiters);
        Assert.Equal(1u, Memory.Word(Memory.EventCount));
        count.CancelWait(key);
        Assert.True(SharedEventCount.At(OtherRoster, Memory.EventCount).NotifyAll());
        Assert.Equal(2u, Memory.Word(Memory.EventCount));
        Assert.True(count.Wait(key, Timeout.InfiniteTimeSpan));
        Assert.False(count.HasWaiters);
    }

    [Fact]
    [Rule("eventcount.wait")]
    public async Task Sleepers_of_every_kind_are_woken()
    {
        var count = SharedEventCount.At(Roster, Memory.EventCount);
        var other = SharedEventCount.At(OtherRoster, Memory.EventCount);
        for (var i = 0; i < 5; i++)
        {
            var key = count.PrepareWait();
            using var cancellation = new CancellationTokenSource();
            var waits = new[]
            {
                Task.Run(() => count.Wait(key, Timeout.InfiniteTimeSpan)), Task.Run(() => count.Wait(key, Timeout.InfiniteTimeSpan, cancellation.Token)),
                Wait(count, key), Wait(count, key),
            };
            await Task.Delay(10);
            other.NotifyAll();
            await Task.WhenAll(waits).WaitAsync(Watchdog.Limit);
        }

        static async Task<bool> Wait(SharedEventCount count, EventCountKey key)
        {
            await count.WaitAsync(key);
            return true;
        }
    }

    [Fact]
    [Rule("eventcount.timeout")]
    public async Task A_wait_ends_by_timeout_and_cancellation()
    {
        var count = SharedEventCount.At(Roster, Memory.EventCount);
        Assert.False(count.Wait(count.PrepareWait(), TimeSpan.FromMilliseconds(10)));
        using var cancellation = new CancellationTokenSource();
        // A wait may return without cause: as every user does, they begin again.
        var waiting = WaitAsync();
        var blocked = Task.Run(() =>
        {
            while (true)
            {
                count.Wait(count.PrepareWait(), Timeout.InfiniteTimeSpan, cancellation.Token);
            }
        });
        await Task.Delay(30);
        cancellation.Cancel();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => waiting);
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => blocked);
        Assert.True(count.WaitAsync(default, cancellation.Token).IsCanceled);

        async Task WaitAsync()
        {
            while (true)
            {
                await count.WaitAsync(count.PrepareWait(), cancellation.Token);
            }
        }
    }

    [Fact]
    [Rule("eventcount.death")]
    public async Task The_end_of_a_participant_ends_all_waits()
    {
        var count = SharedEventCount.At(Roster, Memory.EventCount);
        using var partner = Partner.Join(Memory);
        var key = count.PrepareWait();
        var waiting = count.WaitAsync(key).AsTask();
        await Task.Delay(20);
        Assert.False(waiting.IsCompleted);
        partner.Kill();
        await waiting.WaitAsync(Watchdog.Limit);
    }

    [Fact]
    [Rule("eventcount.synchronous")]
    public async Task Continuations_run_on_the_service_thread_if_that_is_allowed()
    {
        var count = SharedEventCount.At(Roster, Memory.EventCount);
        count.AllowSynchronousContinuations = true;
        var key = count.PrepareWait();
        var wait = On(count, key);
        count.NotifyAll();
        Assert.StartsWith("shm ", await wait.WaitAsync(Watchdog.Limit), StringComparison.Ordinal);

        static async Task<string> On(SharedEventCount count, EventCountKey key)
        {
            await count.WaitAsync(key).ConfigureAwait(false);
            return Thread.CurrentThread.Name ?? "";
        }
    }

    [Fact]
    [Rule("eventcount.lost")]
    public void No_waiter_sleeps_through_a_notification()
    {
        var count = SharedEventCount.At(Roster, Memory.EventCount);
        var other = SharedEventCount.At(OtherRoster, Memory.EventCount);
        const long Most = 20_000;
        var consumer = new Thread(() =>
        {
            for (var seen = 0L; seen < Most;)
            {
                var now = Volatile.Read(ref Mapping.GetReference<long>(Memory.Data));
                if (now != seen)
                {
                    seen = now;
                    continue;
                }

                var key = count.PrepareWait();
                if (Volatile.Read(ref Mapping.GetReference<long>(Memory.Data)) != seen)
                {
                    count.CancelWait(key);
                    continue;
                }

                count.Wait(key, Timeout.InfiniteTimeSpan);
            }
        });
        consumer.Start();
        var clock = System.Diagnostics.Stopwatch.StartNew();
        for (var i = 1L; i <= Most; i++)
        {
            Volatile.Write(ref OtherMapping.GetReference<long>(Memory.Data), i);
            other.NotifyAll();
            if (i % 64 == 0)
            {
                Thread.Yield();
            }
        }

        consumer.Join();
    }

    [Fact]
    [Rule("eventcount.allocation")]
    public void Notifying_and_waiting_allocates_nothing()
    {
        var count = SharedEventCount.At(Roster, Memory.EventCount);
        Assert.Equal(0, Allocation.OfRounds(10, () =>
        {
            count.NotifyAll();
            Assert.False(count.Wait(count.PrepareWait(), TimeSpan.FromMilliseconds(1)));
        }));
    }
}
