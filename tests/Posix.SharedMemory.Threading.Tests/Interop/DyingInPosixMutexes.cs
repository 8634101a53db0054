using System.Diagnostics;
using System.Globalization;

namespace Posix.SharedMemory.Threading.Tests;

/// <summary>Owners of POSIX mutexes that die inside, in C and .NET, threads and processes.</summary>
public sealed class DyingInPosixMutexes : PosixMutexPartners
{
    [SkippableFact]
    [Rule("posix.mutex.died")]
    public async Task Every_process_learns_that_an_owner_was_killed_inside_until_one_repairs()
    {
        using var other = Start();
        var mutex = PosixMutex.At(Mapping, Place);
        using (var peer = Start())
        {
            Assert.Equal("0", peer.Ask("lock"));
            // Asleep when the owner dies, here and in C: each of them learns of it.
            var blocked = OnThread(() => Assert.Throws<OwnerDiedException>(() => mutex.Enter().Dispose()));
            var timed = OnThread(() => Assert.Throws<OwnerDiedException>(() => mutex.TryEnter(TimeSpan.FromHours(1), out _)));
            Watchdog.Until(HasWaiters, "the waiters here");
            other.Tell("lock");
            Watchdog.Until(() => IsInFutex(other.ProcessId), "the waiter in C");
            peer.Kill();
            Assert.Equal(OwnerDied, other.ReadLine());
            Assert.Equal("0", other.Ask("consistent"));
            Assert.Equal("0", other.Ask("unlock"));
            await Task.WhenAll(Ended(blocked), Ended(timed)).WaitAsync(Watchdog.Limit);
        }

        using (var peer = Start())
        {
            Assert.Equal("0", peer.Ask("lock"));
            peer.Kill();
        }

        Assert.True(mutex.IsInconsistent);
        Assert.Throws<OwnerDiedException>(() => mutex.Enter().Dispose());
        Assert.Throws<OwnerDiedException>(() => mutex.TryEnter(out _));
        Assert.True(mutex.IsInconsistent);
        Assert.False(mutex.IsHeld);
        Assert.Equal(OwnerDied, other.Ask("trylock"));
        Assert.Equal("0", other.Ask("consistent"));
        Assert.Equal("0", other.Ask("unlock"));
        mutex.Enter().Dispose();
    }

    [SkippableFact]
    [Rule("posix.mutex.repair")]
    public void A_repair_runs_inside_once_and_one_that_throws_leaves_the_mutex_unrepaired()
    {
        using var peer = Start();
        var mutex = PosixMutex.At(Mapping, Place);
        DieInside(mutex);
        Assert.Throws<TimeZoneNotFoundException>(() => mutex.Enter(() => throw new TimeZoneNotFoundException()).Dispose());
        Assert.False(mutex.IsHeld);
        var repairs = 0;
        using (mutex.Enter(() =>
        {
            repairs++;
            Assert.Equal(Busy, peer.Ask("trylock"));
        }))
        {
            Assert.Equal(1, repairs);
        }

        mutex.Enter(() => repairs++).Dispose();
        Assert.Equal(1, repairs);
        Assert.Equal("0", peer.Ask("trylock"));
    }

    [SkippableFact]
    [Rule("posix.mutex.unrepaired")]
    public void A_hold_that_learned_of_a_death_and_left_without_a_mark_passes_the_death_on()
    {
        using var peer = Start();
        var mutex = PosixMutex.At(Mapping, Place);
        var neighbour = PosixMutex.At(Mapping, Second);
        DieInside(mutex);
        for (var i = 0; i < 3; i++)
        {
            using var hold = mutex.EnterUnrepaired();
            Assert.True(hold.OwnerDied);
            // Entered afterwards and left before, or afterwards: the thread's list stays whole.
            using var inner = neighbour.Enter();
            if (i == 1)
            {
                hold.Dispose();
                hold.Dispose();
                Assert.Throws<OwnerDiedException>(() => mutex.Enter().Dispose());
            }
        }

        Assert.True(mutex.TryEnterUnrepaired(out var last));
        Assert.True(last.OwnerDied);
        last.MarkConsistent();
        last.MarkConsistent();
        last.Dispose();
        neighbour.Enter().Dispose();
        Assert.Equal("0", peer.Ask("trylock"));
        Assert.False(mutex.TryEnterUnrepaired(out _));
    }

    [SkippableFact]
    [Rule("posix.mutex.retire")]
    public void A_mutex_that_was_retired_here_or_left_unrepaired_by_C_is_not_recoverable()
    {
        using var peer = Start();
        var mutex = PosixMutex.At(Mapping, Place);
        var second = PosixMutex.At(Mapping, Second);
        using (var hold = mutex.Enter())
        {
            try
            {
                hold.Retire();
                Assert.Fail("A mutex in good order was retired.");
            }
            catch (InvalidOperationException)
            {
                Assert.True(mutex.IsHeld);
            }
        }

        DieInside(mutex);
        mutex.EnterUnrepaired().Retire();
        Assert.Throws<RetiredException>(() => mutex.Enter().Dispose());
        Assert.Throws<RetiredException>(() => mutex.TryEnterUnrepaired(out _));
        Assert.Equal(NotRecoverable, peer.Ask("lock"));
        Assert.False(mutex.IsHeld);
        using var other = Start(Second);
        DieInside(second);
        Assert.Equal(OwnerDied, other.Ask("lock"));
        Assert.Equal("0", other.Ask("unlock"));
        Assert.Throws<RetiredException>(() => second.Enter(() => Assert.Fail("It cannot be repaired.")).Dispose());
    }

    [SkippableFact]
    [Rule("posix.mutex.thread")]
    public async Task The_thread_is_the_owner_and_its_end_is_a_death()
    {
        using var peer = Start();
        var mutex = PosixMutex.At(Mapping, Place);
        await OnThread(() => _ = mutex.Enter()).WaitAsync(Watchdog.Limit);
        Assert.Equal(OwnerDied, peer.Ask("lock"));
        Assert.Equal("0", peer.Ask("consistent"));
        Assert.Equal("0", peer.Ask("unlock"));
        using (mutex.Enter())
        {
            Assert.Throws<LockRecursionException>(() => mutex.Enter().Dispose());
            Assert.Throws<LockRecursionException>(() => PosixMutex.At(Mapping, Place).TryEnter(TimeSpan.FromHours(1), out _));
            Assert.False(mutex.TryEnter(out _));
        }

        using var roster = Roster.Join(Mapping);
        var count = SharedEventCount.At(roster, Memory.EventCount);
        count.AllowSynchronousContinuations = true;
        var refused = EnterOnServiceThread();
        count.NotifyAll();
        await refused.WaitAsync(Watchdog.Limit);
        await Task.Yield();
        mutex.Enter().Dispose();

        async Task EnterOnServiceThread()
        {
            await count.WaitAsync(count.PrepareWait()).ConfigureAwait(false);
            Assert.Throws<InvalidOperationException>(() => mutex.Enter().Dispose());
        }
    }

    [SkippableFact]
    [Rule("posix.mutex.process")]
    public void A_C_program_learns_that_a_NET_process_was_killed_inside()
    {
        using var peer = Start();
        using (var partner = Peers.Partner.Start("posix-mutex", Memory.Name))
        {
            Assert.Equal("held", partner.ReadLine());
            Assert.Equal(Busy, peer.Ask("trylock"));
            partner.Kill();
        }

        Assert.Equal(OwnerDied, peer.Ask("trylock"));
    }

    [SkippableFact]
    [Rule("posix.mutex.storm")]
    public void C_processes_and_NET_threads_that_die_at_random_tear_no_value()
    {
        var program = Build("cc", "mutex");
        var mutex = PosixMutex.At(Mapping, Place);
        var seconds = double.Parse(Environment.GetEnvironmentVariable("STRESS_SECONDS") ?? "3", CultureInfo.InvariantCulture);
        var random = new Random(4711);
        var clock = Stopwatch.StartNew();
        while (clock.Elapsed.TotalSeconds < seconds)
        {
            using var peer = Peer.Run(program, "/dev/shm/" + Memory.Name, Place.ToString(CultureInfo.InvariantCulture));
            peer.ReadLine();
            peer.Ask("work");
            for (var until = clock.ElapsedTicks + random.Next(3_000_000); clock.ElapsedTicks < until;)
            {
                Enter();
            }

            peer.Kill();
        }

        Enter();
        Assert.Equal(Mapping.GetReference<long>(Data), Mapping.GetReference<long>(Data + 8));
        Assert.True(Mapping.GetReference<long>(Data) > 0);

        void Enter()
        {
            ref var first = ref Mapping.GetReference<long>(Data);
            ref var second = ref Mapping.GetReference<long>(Data + 8);
            try
            {
                using var hold = mutex.Enter();
                Assert.Equal(first, second);
                first++;
                second++;
            }
            catch (OwnerDiedException)
            {
                using var hold = mutex.EnterUnrepaired();
                if (hold.OwnerDied)
                {
                    Mapping.GetReference<long>(Data + 8) = Mapping.GetReference<long>(Data);
                    hold.MarkConsistent();
                }
            }
        }
    }
}
