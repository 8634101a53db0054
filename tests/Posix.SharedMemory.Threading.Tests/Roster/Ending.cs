using System.Collections.Concurrent;
using Posix.SharedMemory.Threading.Tests.Peers;

namespace Posix.SharedMemory.Threading.Tests;

/// <summary>Learning that others have left or died.</summary>
public sealed class Ending
{
    [Fact]
    [Rule("roster.ended")]
    public void A_death_and_a_departure_are_told_apart()
    {
        using var memory = new Memory();
        using var again = memory.MapAgain();
        using var roster = Roster.Join(memory.Mapping);
        var ended = new ConcurrentDictionary<Participant, bool>();
        roster.Ended += (sender, arguments) =>
        {
            Assert.Same(roster, sender);
            ended[arguments.Participant] = arguments.Died;
        };

        var other = Roster.Join(again);
        using var partner = Partner.Join(memory);
        partner.Kill();
        Watchdog.Until(() => ended.ContainsKey(partner.Self), "the news of the death");
        Assert.True(ended[partner.Self]);
        other.Dispose();
        Watchdog.Until(() => ended.ContainsKey(other.Self), "the news of the departure");
        Assert.False(ended[other.Self]);
        Assert.Equal(2, ended.Count);
    }

    [Fact]
    [Rule("roster.heldback")]
    public unsafe void Ends_wait_in_their_seats_while_as_many_handlers_run_as_may()
    {
        const int Seat = 40, At = 64 + (32 * (Seat - 1));
        using var memory = new Memory();
        using var roster = Roster.Join(memory.Mapping);
        using var returning = new ManualResetEventSlim();
        var ended = new ConcurrentQueue<int>();
        var most = RosterWatch.MostRaised;
        RosterWatch.MostRaised = 2;
        try
        {
            roster.Ended += (_, arguments) =>
            {
                ended.Enqueue(arguments.Participant.Incarnation);
                returning.Wait();
            };
            // A process that writes one life after the other into a seat, each dead at once.
            var life = 0;
            Watchdog.Until(
                () =>
                {
                    Volatile.Write(ref memory.Mapping.GetReference<ulong>(At), ((ulong)(uint)++life << 32) | 0xC0000000);
                    memory.Store(8, memory.Word(8) + 1);
                    Kernel.Current.Wake((uint*)memory.Mapping.DangerousGetPointer() + 2, int.MaxValue);
                    return roster.Seat.Watch.IsHeldBack && life > 5;
                },
                "an end that is held back");
            Assert.InRange(ended.Count, 0, 2);
            returning.Set();
            Watchdog.Until(() => ended.Contains(life), "the last life");
            Assert.InRange(ended.Count, 3, life);
        }
        finally
        {
            returning.Set();
            RosterWatch.MostRaised = most;
        }
    }

    [Fact]
    [Rule("roster.wait")]
    public async Task Waiting_for_an_end_completes_at_the_death()
    {
        using var memory = new Memory();
        using var roster = Roster.Join(memory.Mapping);
        using var partner = Partner.Join(memory);
        var wait = roster.WaitForEndAsync(partner.Self);
        using var cancellation = new CancellationTokenSource();
        var cancelled = roster.WaitForEndAsync(partner.Self, cancellation.Token);
        Assert.False(wait.IsCompleted);
        cancellation.Cancel();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => cancelled);
        Assert.False(wait.IsCompleted);
        Assert.Throws<InvalidOperationException>(() => roster.ConfirmEnd(partner.Self));
        partner.Kill();
        await wait.WaitAsync(Watchdog.Limit);
        roster.ConfirmEnd(partner.Self);
        await roster.WaitForEndAsync(partner.Self);
        Assert.Throws<ArgumentException>(() => roster.ConfirmEnd(default));
    }

    [Theory]
    [InlineData("exit")]
    [InlineData("fail")]
    [InlineData("throw")]
    [InlineData("overflow")]
    [InlineData("exec")]
    [Rule("roster.however")]
    public async Task Every_kind_of_end_is_reported(string how)
    {
        using var memory = new Memory();
        using var roster = Roster.Join(memory.Mapping);
        using var partner = Partner.Join(memory);
        partner.Tell(how);
        await roster.WaitForEndAsync(partner.Self).WaitAsync(Watchdog.Limit);
        Assert.False(roster.IsAlive(partner.Self));
    }

    [SkippableFact]
    [Rule("roster.memory")]
    public void A_process_that_the_kernel_ends_for_want_of_memory_is_found_dead_inside_its_lock()
    {
        using var group = TemporaryControlGroup.TryCreate(192 << 20, out var obstacle);
        Skip.If(group is null, obstacle);
        using var memory = new Memory();
        using var roster = Roster.Join(memory.Mapping);
        using (var partner = Partner.Join(memory, group))
        {
            partner.Ask("enter");
            partner.Tell("devour");
            Assert.Throws<OwnerDiedException>(() => SharedMutex.At(roster, Memory.Mutex).Enter());
            Assert.False(roster.IsAlive(partner.Self));
        }
    }

    [Fact]
    [Rule("roster.stopped")]
    public async Task A_stopped_process_is_alive_and_its_lock_is_waited_for()
    {
        using var memory = new Memory();
        using var roster = Roster.Join(memory.Mapping);
        using var partner = Partner.Join(memory);
        var mutex = SharedMutex.At(roster, Memory.Mutex);
        partner.Ask("enter");
        Native.Kill(partner.Peer.ProcessId, Native.SIGSTOP);
        var waiting = mutex.EnterAsync().AsTask();
        // Longer than a look.
        Assert.False(mutex.TryEnter(TimeSpan.FromMilliseconds(1200), out _));
        Assert.True(roster.IsAlive(partner.Self));
        Native.Kill(partner.Peer.ProcessId, Native.SIGCONT);
        Assert.Equal("left", partner.Ask("leave"));
        (await waiting.WaitAsync(Watchdog.Limit)).Dispose();
    }

    [Fact]
    [Rule("mutex.strand")]
    public async Task A_stopped_waiter_keeps_others_out_no_longer_than_one_check()
    {
        using var memory = new Memory();
        using var roster = Roster.Join(memory.Mapping);
        using var partner = Partner.Join(memory);
        var mutex = SharedMutex.At(roster, Memory.Mutex);
        var hold = mutex.Enter();
        partner.Tell("enter");
        Watchdog.Until(() => memory.Word(Memory.Mutex) >> 31 == 1, "the waiter");
        Native.Kill(partner.Peer.ProcessId, Native.SIGSTOP);
        var blocked = Task.Run(() => mutex.EnterUnrepaired());
        Thread.Sleep(50);
        hold.Dispose();
        (await blocked.WaitAsync(Watchdog.Limit)).Dispose();
        Native.Kill(partner.Peer.ProcessId, Native.SIGCONT);
        Assert.Equal("entered", partner.ReadLine());
    }

    [Fact]
    [Rule("roster.exit")]
    public void A_process_can_end_while_its_threads_wait()
    {
        using var memory = new Memory();
        using var roster = Roster.Join(memory.Mapping);
        SharedSemaphore.At(memory.Mapping, Memory.Semaphore, 0);
        using var hold = SharedMutex.At(roster, Memory.Mutex).Enter();
        using var partner = Partner.Join(memory);
        Assert.Equal("", partner.Ask("exit while threads wait"));
        partner.Tell("return");
        Assert.Equal(0, partner.Peer.Finish().ExitCode);
        Assert.False(roster.IsAlive(partner.Self));
    }

    [Theory]
    [InlineData("")]
    [InlineData("futex_waitv")]
    [Rule("roster.witness")]
    public async Task A_death_that_the_kernel_did_not_mark_is_found_by_the_second_witness(string refused)
    {
        using var memory = new Memory();
        using var roster = Roster.Join(new FaultingKernel((refused, Errno.ENOSYS)), memory.Mapping, 0, Roster.DefaultSeats, null);
        using var partner = Partner.Join(memory);
        var seat = 64 + (32 * (partner.Self.Seat - 1));
        var mutex = SharedMutex.At(roster, Memory.Mutex);
        partner.Ask("enter");
        partner.Kill();
        // As if there had been no list: the seat says that its thread lives.
        memory.Store(seat, 0x80000000u | 4_194_000);
        Assert.True(roster.IsAlive(partner.Self));
        var waiting = mutex.EnterAsync().AsTask();
        await Assert.ThrowsAsync<OwnerDiedException>(() => Task.Run(() => mutex.Enter()).WaitAsync(Watchdog.Limit));
        await Assert.ThrowsAsync<OwnerDiedException>(() => waiting.WaitAsync(Watchdog.Limit));
        Assert.False(roster.IsAlive(partner.Self));
        Assert.Equal(0xC0000000u, memory.Word(seat));
    }

    [Fact]
    [Rule("roster.witness")]
    public async Task A_process_whose_parent_does_not_ask_for_its_end_is_found_dead_by_the_second_witness()
    {
        using var memory = new Memory();
        using var roster = Roster.Join(memory.Mapping);
        using var parent = Peer.Run("sh", "-c", $"exec 3<&0; '{Partner.Program}' act {memory.Name} <&3 & exec sleep 600");
        var dead = new Participant(uint.Parse(parent.ReadLine(), System.Globalization.CultureInfo.InvariantCulture));
        var process = roster.GetProcessId(dead)!.Value;
        var ended = roster.WaitForEndAsync(dead);
        Native.Kill(process, 9);
        await ended.WaitAsync(Watchdog.Limit);
        Watchdog.Until(() => File.ReadAllText($"/proc/{process}/stat").Contains(") Z ", StringComparison.Ordinal), "the end of the process");
        // As if there had been no list: the seat says that its thread lives.
        memory.Store(64 + (32 * (dead.Seat - 1)), 0x80000000u | 4_194_000);
        Assert.True(roster.IsAlive(dead));
        await roster.WaitForEndAsync(dead).WaitAsync(Watchdog.Limit);
        Assert.False(roster.IsAlive(dead));
    }

    [Fact]
    [Rule("roster.guard")]
    public async Task A_guard_of_its_own_reports_the_death_too()
    {
        using var memory = new Memory();
        using var again = memory.MapAgain();
        using var roster = Roster.Join(memory.Mapping, options: new() { OwnGuard = true });
        var other = Roster.Join(again, options: new() { OwnGuard = true });
        var wait = roster.WaitForEndAsync(other.Self);
        other.Dispose();
        await wait.WaitAsync(Watchdog.Limit);
    }
}
