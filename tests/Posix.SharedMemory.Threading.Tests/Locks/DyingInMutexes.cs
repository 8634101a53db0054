using Posix.SharedMemory.Threading.Tests.Peers;

namespace Posix.SharedMemory.Threading.Tests;

/// <summary>What becomes of a mutex whose owner is killed.</summary>
public sealed class DyingInMutexes : IDisposable
{
    private readonly Memory _memory = new();
    private readonly Roster _roster;
    private readonly SharedMutex _mutex;

    public DyingInMutexes()
    {
        _roster = Roster.Join(_memory.Mapping);
        _mutex = SharedMutex.At(_roster, Memory.Mutex);
    }

    [Fact]
    [Rule("mutex.died")]
    public async Task A_waiter_learns_of_the_owners_death_and_does_not_hold_the_lock()
    {
        using var partner = Partner.Join(_memory);
        Assert.Equal("entered", partner.Ask("enter"));
        Assert.Equal(partner.Self, _mutex.Holder);
        var blocked = Task.Run(() => _mutex.Enter());
        var waiting = _mutex.EnterAsync().AsTask();
        Watchdog.Until(() => (_memory.Word(Memory.Mutex) & 0x80000000) != 0, "a waiter");
        partner.Kill();
        var first = await Assert.ThrowsAsync<OwnerDiedException>(() => blocked);
        var second = await Assert.ThrowsAsync<OwnerDiedException>(() => waiting);
        Assert.Contains(partner.Self, new[] { first.Dead, second.Dead });
        Assert.True(_mutex.IsInconsistent);
        Assert.Null(_mutex.Holder);
        Assert.Throws<OwnerDiedException>(() => _mutex.Enter());
        Assert.Throws<OwnerDiedException>(() => _mutex.TryEnter(out _));
    }

    [Fact]
    [Rule("mutex.repair")]
    public void Entering_with_a_repair_makes_it_whole_again()
    {
        KillAnOwner();
        Assert.Throws<InvalidTimeZoneException>(() => _mutex.Enter(() => throw new InvalidTimeZoneException()));
        Assert.True(_mutex.IsInconsistent);
        var repaired = 0;
        using (var hold = _mutex.Enter(() => repaired++))
        {
            Assert.True(hold.OwnerDied);
            Assert.Equal(_roster.Self, _mutex.Holder);
        }

        Assert.Equal(1, repaired);
        Assert.False(_mutex.IsInconsistent);
        using var next = _mutex.Enter();
        Assert.False(next.OwnerDied);
    }

    [Fact]
    [Rule("mutex.repair")]
    public async Task An_asynchronous_repair_makes_it_whole_too()
    {
        KillAnOwner();
        await Assert.ThrowsAsync<InvalidTimeZoneException>(async () => await _mutex.EnterAsync(_ => throw new InvalidTimeZoneException()));
        Assert.True(_mutex.IsInconsistent);
        using (var hold = await _mutex.EnterAsync(async token => await Task.Delay(1, token)))
        {
            Assert.True(hold.OwnerDied);
        }

        Assert.False(_mutex.IsInconsistent);
    }

    [Fact]
    [Rule("mutex.unrepaired")]
    public async Task Without_a_repair_the_next_owner_learns_of_the_death_again()
    {
        KillAnOwner();
        using (var hold = _mutex.EnterUnrepaired())
        {
            Assert.True(hold.OwnerDied);
        }

        using (var hold = await _mutex.EnterUnrepairedAsync())
        {
            Assert.True(hold.OwnerDied);
        }

        Assert.True(_mutex.TryEnterUnrepaired(out var last));
        Assert.True(last.OwnerDied);
        last.MarkConsistent();
        last.Dispose();
        _mutex.Enter().Dispose();
    }

    [Fact]
    [Rule("mutex.retire")]
    public async Task A_retired_lock_is_never_entered_again()
    {
        var hold = _mutex.Enter();
        var waiting = _mutex.EnterAsync().AsTask();
        hold.Retire();
        await Assert.ThrowsAsync<RetiredException>(() => waiting);
        Assert.Throws<RetiredException>(() => _mutex.Enter());
        Assert.Throws<RetiredException>(() => _mutex.TryEnter(out _));
        Assert.Throws<RetiredException>(() => _mutex.EnterUnrepaired());
        Assert.Equal(0x0FFFFFFFu, _memory.Word(Memory.Mutex));
        Assert.Null(_mutex.Holder);
        hold.Dispose();
    }

    [Fact]
    [Rule("mutex.strand")]
    public void A_killed_waiter_consumes_no_wake_up()
    {
        using var partner = Partner.Join(_memory);
        var hold = _mutex.Enter();
        partner.Tell("enter");
        Watchdog.Until(() => (_memory.Word(Memory.Mutex) & 0x80000000) != 0, "the waiter");
        partner.Kill();
        hold.Dispose();
        _mutex.Enter().Dispose();
        Assert.False(_mutex.IsInconsistent);
    }

    [Fact]
    [Rule("mutex.storm")]
    public void An_owner_killed_at_a_random_instant_leaves_nothing_but_its_death_to_report()
    {
        var seconds = double.Parse(Environment.GetEnvironmentVariable("STRESS_SECONDS") ?? "4", System.Globalization.CultureInfo.InvariantCulture);
        var random = new Random(20261126);
        var clock = System.Diagnostics.Stopwatch.StartNew();
        var kills = 0;
        var peers = Enumerable.Range(0, 2).Select(_ => Partner.Start("work", _memory.Name)).ToArray();
        try
        {
            while (clock.Elapsed.TotalSeconds < seconds)
            {
                var i = random.Next(peers.Length);
                peers[i].ReadLine();
                for (var until = clock.ElapsedTicks + random.Next(200_000); clock.ElapsedTicks < until;)
                {
                    Storming.Enter(_mutex, _memory.Mapping);
                }

                peers[i].Kill();
                peers[i].Dispose();
                peers[i] = Partner.Start("work", _memory.Name);
                kills++;
            }
        }
        finally
        {
            Array.ForEach(peers, peer => peer.Dispose());
        }

        Storming.Enter(_mutex, _memory.Mapping);
        Assert.InRange(kills, 1, int.MaxValue);
        Assert.Equal(0, _memory.Mapping.GetReference<long>(Storming.Torn));
        Assert.Equal(_memory.Mapping.GetReference<long>(Storming.First), _memory.Mapping.GetReference<long>(Storming.Second));
    }

    public void Dispose()
    {
        _roster.Dispose();
        _memory.Dispose();
    }

    private void KillAnOwner()
    {
        using var partner = Partner.Join(_memory);
        partner.Ask("enter");
        partner.Kill();
    }
}
