using Posix.SharedMemory.Threading.Tests.Peers;

namespace Posix.SharedMemory.Threading.Tests;

/// <summary>Semaphores, plain and returning.</summary>
public sealed class CountingPermits : TwoParticipants
{
    [Fact]
    [Rule("semaphore.layout")]
    public void Count_tag_and_maximum_stand_in_sixteen_bytes()
    {
        var semaphore = SharedSemaphore.At(Mapping, Memory.Semaphore, 2, 5);
        Assert.Equal(2u, Memory.Word(Memory.Semaphore));
        Assert.Equal(0x31535850u, Memory.Word(Memory.Semaphore + 4));
        Assert.Equal(5u, Memory.Word(Memory.Semaphore + 8));
        Assert.Equal(0u, Memory.Word(Memory.Semaphore + 12));
        Assert.Equal(2, SharedSemaphore.At(OtherMapping, Memory.Semaphore, 4, 5).CurrentCount);
        Assert.Equal(5, SharedSemaphore.Open(OtherMapping, Memory.Semaphore).MaximumCount);
        Assert.Throws<InvalidDataException>(() => SharedSemaphore.At(Mapping, Memory.Semaphore, 0, 6));
        Assert.Throws<InvalidDataException>(() => SharedSemaphore.Open(Mapping, Memory.Data));
        Assert.Throws<ArgumentOutOfRangeException>(() => SharedSemaphore.At(Mapping, Memory.Data, 2, 1));
        Assert.Throws<ArgumentOutOfRangeException>(() => SharedSemaphore.At(Mapping, Memory.Data, -1));
        Assert.Equal(568, SharedSemaphore.SizeForReturning());
        Assert.Equal(2, semaphore.CurrentCount);
    }

    [Fact]
    [Rule("semaphore.count")]
    public void Permits_are_taken_and_given_back()
    {
        var semaphore = SharedSemaphore.At(Mapping, Memory.Semaphore, 2, 3);
        Assert.True(semaphore.TryWait());
        semaphore.Wait();
        Assert.False(semaphore.TryWait());
        Assert.False(semaphore.Wait(TimeSpan.FromMilliseconds(10)));
        Assert.Equal(0, semaphore.Release(3));
        Assert.Throws<SemaphoreFullException>(() => semaphore.Release());
        Assert.Throws<ArgumentOutOfRangeException>(() => semaphore.Release(0));
        Assert.Equal(3, semaphore.CurrentCount);
    }

    [Theory]
    [InlineData(int.MaxValue)]
    [InlineData(100)]
    [Rule("semaphore.wake")]
    public async Task As_many_waiters_go_on_as_permits_are_released(int maximum)
    {
        var semaphore = SharedSemaphore.At(Mapping, Memory.Semaphore, 0, maximum);
        var other = SharedSemaphore.Open(OtherMapping, Memory.Semaphore);
        var waits = Enumerable.Range(0, 6).Select(i => i < 3 ? Task.Run(() => other.Wait()) : other.WaitAsync().AsTask()).ToList();
        Watchdog.Until(() => (Memory.Word(Memory.Semaphore) >> 31) == 1, "a waiter");
        for (var released = 0; released < 6; released += 2)
        {
            semaphore.Release(2);
            for (var i = 0; i < 2; i++)
            {
                waits.Remove(await Task.WhenAny(waits).WaitAsync(Watchdog.Limit));
            }
        }

        Assert.Empty(waits);
        Assert.Equal(0, semaphore.CurrentCount);
        semaphore.Release(3);
        Assert.Equal(3, semaphore.CurrentCount);
    }

    [Fact]
    [Rule("semaphore.cancel")]
    public async Task Cancelled_waits_lose_no_permit()
    {
        var semaphore = SharedSemaphore.At(Mapping, Memory.Semaphore, 0);
        var random = new Random(7);
        var taken = 0;
        var waits = Enumerable.Range(0, 200).Select(async i =>
        {
            using var cancellation = new CancellationTokenSource(random.Next(1, 30));
            try
            {
                await (i % 10 == 0 ? Task.Factory.StartNew(() => semaphore.Wait(cancellation.Token), CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default) : semaphore.WaitAsync(cancellation.Token).AsTask());
                Interlocked.Increment(ref taken);
            }
            catch (OperationCanceledException)
            {
                // Its time was up.
            }
        }).ToArray();
        for (var i = 0; i < 100; i++)
        {
            semaphore.Release();
            await Task.Yield();
        }

        await Task.WhenAll(waits).WaitAsync(Watchdog.Limit);
        Assert.Equal(100, taken + semaphore.CurrentCount);
    }

    [Fact]
    [Rule("semaphore.bounded")]
    public async Task A_wait_ends_in_time_while_another_process_is_inside_the_counts_for_long()
    {
        var semaphore = SharedSemaphore.ReturningAt(Roster, Memory.Returning, 3);
        // The inner mutex.
        var hold = SharedMutex.At(OtherRoster, OtherMapping, Memory.Returning).Enter();
        Assert.False(semaphore.Wait(TimeSpan.FromMilliseconds(20)));
        Assert.False(semaphore.TryWait());
        Assert.Equal(-1, SharedWait.WaitAny([semaphore], TimeSpan.Zero));
        using var cancellation = new CancellationTokenSource(20);
        Assert.Throws<OperationCanceledException>(() => semaphore.Wait(cancellation.Token));
        Assert.False(await semaphore.WaitAsync(TimeSpan.FromMilliseconds(20)));
        var waiting = semaphore.WaitAsync().AsTask();
        Assert.False(waiting.IsCompleted);
        hold.Dispose();
        await waiting.WaitAsync(Watchdog.Limit);
        Assert.Equal(2, semaphore.CurrentCount);
        semaphore.Release();
    }

    [Fact]
    [Rule("semaphore.returning")]
    public async Task The_permits_of_a_killed_process_come_back()
    {
        var semaphore = SharedSemaphore.ReturningAt(Roster, Memory.Returning, 3);
        using var partner = Partner.Join(Memory);
        Assert.Equal("taken", partner.Ask("take"));
        Assert.Equal("taken", partner.Ask("take"));
        semaphore.Wait();
        Assert.Equal(0, semaphore.CurrentCount);
        Assert.False(semaphore.TryWait());
        Assert.False(semaphore.Wait(TimeSpan.FromMilliseconds(20)));
        var blocked = Task.Run(() => semaphore.Wait());
        var waiting = semaphore.WaitAsync().AsTask();
        await Task.Delay(50);
        Assert.False(blocked.IsCompleted || waiting.IsCompleted);
        partner.Kill();
        await Task.WhenAll(blocked, waiting).WaitAsync(Watchdog.Limit);
        Assert.Equal(0, semaphore.CurrentCount);
        Assert.Equal(0, semaphore.Release(3));
        Assert.Throws<SemaphoreFullException>(() => semaphore.Release());
    }

    [Fact]
    [Rule("semaphore.returning")]
    public void The_permits_of_a_killed_process_are_counted_before_somebody_takes_them()
    {
        var semaphore = SharedSemaphore.ReturningAt(Roster, Memory.Returning, 3);
        using var partner = Partner.Join(Memory);
        partner.Ask("take");
        partner.Ask("take");
        semaphore.Wait();
        Assert.Equal(0, semaphore.CurrentCount);
        partner.Kill();
        Watchdog.Until(() => semaphore.CurrentCount == 2, "the permits");
        Assert.Equal(2, semaphore.Release());
        Assert.Equal(3, semaphore.CurrentCount);
    }

    [Fact]
    [Rule("semaphore.returning")]
    public async Task Permits_that_are_given_back_wake_others()
    {
        var semaphore = SharedSemaphore.ReturningAt(Roster, Memory.Returning, 1);
        var other = SharedSemaphore.ReturningAt(OtherRoster, Memory.Returning, 1);
        Assert.Throws<InvalidDataException>(() => SharedSemaphore.ReturningAt(Roster, Memory.Returning, 2));
        semaphore.Wait();
        var blocked = Task.Run(() => other.Wait());
        var waiting = other.WaitAsync().AsTask();
        semaphore.Release();
        await Task.WhenAny(blocked, waiting).WaitAsync(Watchdog.Limit);
        other.Release();
        await Task.WhenAll(blocked, waiting).WaitAsync(Watchdog.Limit);
        Assert.Throws<SemaphoreFullException>(() => semaphore.Release());
        OtherRoster.Dispose();
        Assert.True(semaphore.TryWait());
    }

    [Fact]
    [Rule("semaphore.again")]
    public void A_release_that_found_nobody_asleep_leaves_nobody_asleep_beside_a_permit()
    {
        using var rare = new RareLooks();
        var before = Kernel.Current;
        var kernel = new LateKernel();
        Kernel.Current = kernel;
        try
        {
            var semaphore = SharedSemaphore.At(Mapping, Memory.Semaphore, 0);
            Memory.Store(Memory.Semaphore, LockLayout.Waiters);
            var sleepers = Enumerable.Range(1, 2).Select(i => new Thread(() => semaphore.Wait()) { Name = $"sleeper {i}" }).ToArray();
            kernel.AfterChange(() =>
            {
                Assert.True(semaphore.TryWait());
                Array.ForEach(sleepers, sleeper => sleeper.Start());
                Watchdog.Until(() => sleepers.All(sleeper => ServiceThreads.IsInFutex(sleeper.Name!)), "the sleep of both");
                kernel.Gate.Reset();
                semaphore.Release();
            });
            // It clears the mark of sleepers although one of two still sleeps; so the next release wakes nobody.
            semaphore.Release();
            semaphore.Release();
            kernel.Gate.Set();
            Assert.All(sleepers, sleeper => Assert.True(sleeper.Join(Watchdog.Limit)));
        }
        finally
        {
            Kernel.Current = before;
        }
    }

    [Fact]
    [Rule("semaphore.process")]
    public void A_permit_goes_to_another_process()
    {
        var semaphore = SharedSemaphore.At(Mapping, Memory.Semaphore, 0);
        using var partner = Partner.Join(Memory);
        partner.Tell("wait-semaphore");
        Watchdog.Until(() => (Memory.Word(Memory.Semaphore) >> 31) == 1, "the waiter");
        semaphore.Release();
        Assert.Equal("taken", partner.ReadLine());
    }
}
