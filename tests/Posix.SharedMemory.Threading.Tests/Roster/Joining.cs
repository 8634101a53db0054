using Posix.SharedMemory.Threading.Tests.Peers;

namespace Posix.SharedMemory.Threading.Tests;

/// <summary>Taking a seat, and giving it up.</summary>
public sealed class Joining
{
    [Fact]
    [Rule("roster.first")]
    public void Zeroed_bytes_become_a_roster()
    {
        using var memory = new Memory();
        using var roster = Roster.Join(memory.Mapping);
        Assert.Equal(0x524D5350u, memory.Word(0));
        Assert.Equal(1u | (63u << 16), memory.Word(4));
        Assert.Equal(1, roster.Self.Seat);
        Assert.Equal(1, roster.Self.Incarnation);
        Assert.Equal([roster.Self], roster.GetParticipants());
        Assert.Equal(Environment.ProcessId, roster.GetProcessId(roster.Self));
        Assert.True(roster.IsAlive(roster.Self));
    }

    [Theory]
    [InlineData(0xDEADBEEFu, 0u)]
    [InlineData(0x524D5350u, 2u | (63u << 16))]
    [InlineData(0x524D5350u, 1u | (62u << 16))]
    [Rule("roster.refusal")]
    public void Bytes_that_are_not_a_roster_are_refused(uint low, uint high)
    {
        using var memory = new Memory();
        memory.Store(0, low);
        memory.Store(4, high);
        Assert.Throws<InvalidDataException>(() => Roster.Join(memory.Mapping));
        Assert.Equal(low, memory.Word(0));
        Assert.Equal(0u, memory.Word(64));
    }

    [Fact]
    [Rule("roster.place")]
    public void The_place_and_the_number_of_seats_are_checked()
    {
        using var memory = new Memory();
        using var readOnly = memory.MapAgain(FileAccess.Read);
        Assert.Throws<ArgumentException>(() => Roster.Join(memory.Mapping, 8));
        Assert.Throws<ArgumentOutOfRangeException>(() => Roster.Join(memory.Mapping, 0, 0));
        Assert.Throws<ArgumentOutOfRangeException>(() => Roster.Join(memory.Mapping, 0, 1024));
        Assert.Throws<ArgumentOutOfRangeException>(() => Roster.Join(memory.Mapping, memory.Mapping.Length - 64));
        Assert.Throws<ArgumentException>(() => Roster.Join(readOnly));
        Assert.Equal(2112, Roster.SizeFor());
        Assert.Equal(128, Roster.SizeFor(1));
    }

    [Fact]
    [Rule("roster.private")]
    public void A_private_mapping_is_refused_and_nothing_stays()
    {
        using var name = new TemporaryName("threading");
        using var memory = SharedMemoryObject.Create(name, 65536);
        using var mapping = memory.Map(new MappingOptions { Private = true });
        using var shared = memory.Map();
        using var roster = Roster.Join(shared);
        Action[] acts =
        [
            () => Roster.Join(mapping), () => SharedMutex.At(roster, mapping, 4096), () => SharedReaderWriterLock.At(roster, mapping, 4096), () => SharedSemaphore.At(mapping, 4096, 1),
            () => SharedSemaphore.ReturningAt(roster, mapping, 4096, 1), () => SharedEvent.At(mapping, 4096, EventResetMode.AutoReset), () => SharedEventCount.At(roster, mapping, 4096),
            () => SharedOnce.At(roster, mapping, 4096), () => SharedWord.At(mapping, 4096), () => PosixMutex.At(mapping, 4096), () => PosixSemaphore.At(mapping, 4096),
        ];
        Assert.All(acts, act => Assert.Equal(Errno.EINVAL, Assert.Throws<SharedMemoryException>(act).Errno));
    }

    [Fact]
    [Rule("roster.same")]
    public void The_same_place_of_the_same_mapping_is_the_same_seat()
    {
        using var memory = new Memory();
        var first = Roster.Join(memory.Mapping);
        var second = Roster.Join(memory.Mapping);
        Assert.Equal(first.Self, second.Self);
        first.Dispose();
        Assert.True(second.IsAlive(second.Self));
        second.Dispose();
        Assert.False(second.IsAlive(second.Self));
        Assert.Empty(second.GetParticipants());
        second.Dispose();
    }

    [Fact]
    [Rule("roster.same")]
    public void Another_mapping_is_another_participant()
    {
        using var memory = new Memory();
        using var again = memory.MapAgain();
        using var first = Roster.Join(memory.Mapping);
        using var second = Roster.Join(again);
        Assert.NotEqual(first.Self, second.Self);
        Assert.Equal([first.Self, second.Self], first.GetParticipants());
    }

    [Fact]
    [Rule("roster.incarnation")]
    public void Seats_are_given_in_turn_and_every_life_has_a_number_of_its_own()
    {
        using var memory = new Memory();
        var lives = new HashSet<Participant>();
        for (var i = 0; i < 9; i++)
        {
            using var roster = Roster.Join(memory.Mapping, 0, seats: 3);
            Assert.True(lives.Add(roster.Self));
            Assert.Equal((i % 3) + 1, roster.Self.Seat);
            Assert.Equal((i / 3) + 1, roster.Self.Incarnation);
        }

        Assert.Equal(9u, memory.Word(8));
    }

    [Fact]
    [Rule("roster.full")]
    public void A_roster_whose_participants_all_live_is_full()
    {
        using var memory = new Memory();
        using var again = memory.MapAgain();
        using var only = Roster.Join(memory.Mapping, 0, seats: 1);
        Assert.Throws<RosterFullException>(() => Roster.Join(again, 0, seats: 1));
        only.Dispose();
        using var next = Roster.Join(again, 0, seats: 1);
        Assert.Equal(2, next.Self.Incarnation);
    }

    [Fact]
    [Rule("roster.boot")]
    public void A_seat_of_another_boot_is_free()
    {
        using var memory = new Memory();
        using var again = memory.MapAgain();
        var before = Roster.Join(memory.Mapping, 0, seats: 1).Self;
        memory.Store(64 + 12, memory.Word(64 + 12) ^ 0x1234);
        using var observer = Roster.Observe(again);
        Assert.False(observer.IsAlive(before));
        using var next = Roster.Join(again, 0, seats: 1);
        Assert.Equal(2, next.Self.Incarnation);
    }

    [Theory]
    [InlineData("dead", true)]
    [InlineData("alive", false)]
    [InlineData("dead, in another PID namespace", false)]
    [Rule("roster.joining")]
    public void The_seat_of_a_process_that_died_while_it_joined_is_taken(string joiner, bool isFree)
    {
        using var memory = new Memory();
        Roster.Join(memory.Mapping, 0, seats: 1).Dispose();
        // What a process leaves that is killed between its claim and its place on the list of its guard.
        using var peer = Peer.Run("sleep", "600");
        var space = RosterLayout.SpaceOf(ProcessIdentity.PidNamespace);
        memory.Store(64 + 4, 0xC0000002 | ((joiner.Contains("another", StringComparison.Ordinal) ? space ^ 1 : space) << 18));
        memory.Store(64, 0x80000000 | (uint)peer.ProcessId);
        memory.Mapping.GetReference<ulong>(64 + 16) = 0;
        if (joiner != "alive")
        {
            peer.Kill();
        }

        using var observer = Roster.Observe(memory.Mapping);
        Assert.Empty(observer.GetParticipants());
        if (!isFree)
        {
            Assert.Throws<RosterFullException>(() => Roster.Join(memory.Mapping, 0, seats: 1));
            Assert.Equal(0x80000000 | (uint)peer.ProcessId, memory.Word(64));
            return;
        }

        using var roster = Roster.Join(memory.Mapping, 0, seats: 1);
        Assert.Equal(3, roster.Self.Incarnation);
        Assert.Equal(0x80000003u, memory.Word(64 + 4));
    }

    [Fact]
    [Rule("roster.hidden")]
    public void A_process_that_proc_hides_is_not_taken_for_dead()
    {
        using var memory = new Memory();
        Roster.Join(memory.Mapping, 0, seats: 1).Dispose();
        // No such file in /proc; kill sees the process.
        using var peer = Peer.Run("sleep", "600");
        memory.Store(64, 0x80000000 | (uint)peer.ProcessId);
        memory.Store(64 + 8, int.MaxValue);
        memory.Mapping.GetReference<ulong>(64 + 24) = 1;
        memory.Mapping.GetReference<ulong>(64 + 16) = ProcessIdentity.PidNamespace;
        var kernel = new FaultingKernel(("kill", Errno.EPERM));
        Assert.Throws<RosterFullException>(() => Roster.Join(kernel, memory.Mapping, 0, 1, null));
        kernel.IsFailing = false;
        using var roster = Roster.Join(kernel, memory.Mapping, 0, 1, null);
        Assert.Equal(2, roster.Self.Incarnation);
    }

    [Fact]
    [Rule("roster.observe")]
    public void An_observer_writes_nothing_and_cannot_take_part()
    {
        using var memory = new Memory();
        using var readOnly = memory.MapAgain(FileAccess.Read);
        Assert.Throws<InvalidDataException>(() => Roster.Observe(readOnly));
        // More seats than there are bytes.
        memory.Mapping.GetReference<ulong>(64 * 1000) = RosterLayout.HeaderFor(RosterLayout.MostSeats);
        Assert.Throws<InvalidDataException>(() => Roster.Observe(readOnly, 64 * 1000));
        memory.Mapping.GetReference<ulong>(64 * 1000) = 0;
        using var roster = Roster.Join(memory.Mapping);
        var mutex = SharedMutex.At(roster, Memory.Mutex);
        var before = memory.Mapping.GetReadOnlySpan().ToArray();
        using var observer = Roster.Observe(readOnly);
        Assert.Equal([roster.Self], observer.GetParticipants());
        Assert.True(observer.IsAlive(roster.Self));
        Assert.Equal(Environment.ProcessId, observer.GetProcessId(roster.Self));
        Assert.Throws<InvalidOperationException>(() => observer.Self);
        Assert.Throws<InvalidOperationException>(() => observer.ConfirmEnd(roster.Self));
        Assert.Throws<InvalidOperationException>(() => observer.GetEnd(roster.Self));
        Assert.Throws<InvalidOperationException>(() => observer.Ended += (_, _) => { });
        Assert.Throws<InvalidOperationException>(() => observer.WaitForEndAsync(roster.Self).GetAwaiter().GetResult());
        var look = SharedMutex.At(observer, Memory.Mutex);
        Assert.False(look.IsHeld);
        Assert.Throws<InvalidOperationException>(() => look.Enter());
        Assert.True(memory.Mapping.GetReadOnlySpan().SequenceEqual(before));
        using (mutex.Enter())
        {
            Assert.Equal(roster.Self, look.Holder);
        }
    }

    [Fact]
    [Rule("roster.many")]
    public void More_than_a_thousand_rosters_are_joined_at_once()
    {
        using var memory = new Memory(1200 * 128);
        var rosters = Enumerable.Range(0, 1100).Select(i => Roster.Join(memory.Mapping, i * 128, seats: 1)).ToArray();
        Assert.All(rosters, roster => Assert.True(roster.IsAlive(roster.Self)));
        Array.ForEach(rosters, roster => roster.Dispose());
        Assert.All(rosters, roster => Assert.False(roster.IsAlive(roster.Self)));
    }

    [Fact]
    [Rule("roster.leak")]
    public void Joining_and_leaving_leaves_no_mapping_and_no_thread()
    {
        using var memory = new Memory();
        Roster.Join(memory.Mapping).Dispose();
        Roster.Join(memory.Mapping, 0, options: new() { OwnGuard = true }).Dispose();
        var (threads, mappings) = Count();
        for (var i = 0; i < 10_000; i++)
        {
            Roster.Join(memory.Mapping).Dispose();
        }

        for (var i = 0; i < 50; i++)
        {
            Roster.Join(memory.Mapping, 0, options: new() { OwnGuard = true }).Dispose();
        }

        Watchdog.Until(() => Count().Threads <= threads + 2, "the guards' ends");
        Assert.Equal(mappings, Count().Mappings);

        (int Threads, int Mappings) Count() =>
            (ServiceThreads.Count(), File.ReadAllText("/proc/self/maps").Split('\n').Count(line => line.Contains(memory.Name, StringComparison.Ordinal)));
    }

    [Fact]
    [Rule("roster.reuse")]
    public void The_seat_of_a_killed_process_is_taken_again_under_another_incarnation()
    {
        using var memory = new Memory();
        using var roster = Roster.Join(memory.Mapping, 0, 63);
        using var partner = Partner.Join(memory);
        partner.Kill();
        Assert.False(roster.IsAlive(partner.Self));
        Assert.Equal(0xC0000000u, memory.Word(64 + (32 * (partner.Self.Seat - 1))));
        for (var i = 0; i < 62; i++)
        {
            using var again = memory.MapAgain();
            using var next = Roster.Join(again);
            if (next.Self.Seat == partner.Self.Seat)
            {
                Assert.Equal(partner.Self.Incarnation + 1, next.Self.Incarnation);
                Assert.Null(roster.GetProcessId(partner.Self));
                return;
            }
        }

        Assert.Fail("The seat was not given again.");
    }
}
