using System.Diagnostics;
using System.Globalization;

namespace Posix.SharedMemory.Threading.Tests;

/// <summary>C (glibc and musl) and Python on the same locks, through psm.h and psm.py.</summary>
public sealed class OtherLanguages : TwoParticipants
{
    [SkippableTheory]
    [InlineData("c")]
    [InlineData("musl")]
    [InlineData("python")]
    [Rule("languages.mutex")]
    public async Task A_mutex_is_handed_over_and_a_death_is_reported_both_ways(string language)
    {
        using var directory = TemporaryDirectory.InMemory();
        using var peer = Start(language, directory);
        var self = new Participant(uint.Parse(peer.ReadLine(), CultureInfo.InvariantCulture));
        Assert.True(Roster.IsAlive(self));
        var mutex = SharedMutex.At(Roster, Memory.Mutex);
        Assert.Equal("entered", peer.Ask("enter"));
        Assert.Equal(self, mutex.Holder);
        var blocked = Task.Run(() => mutex.Enter());
        Watchdog.Until(() => (Memory.Word(Memory.Mutex) >> 31) == 1, "the waiter");
        Assert.Equal("0", peer.Ask("leave"));
        var hold = await blocked.WaitAsync(Watchdog.Limit);
        peer.Tell("enter");
        Watchdog.Until(() => (Memory.Word(Memory.Mutex) >> 31) == 1, "the other waiter");
        hold.Dispose();
        Assert.Equal("entered", peer.ReadLine());
        peer.Kill();
        Assert.Throws<OwnerDiedException>(() => mutex.Enter());
        Assert.False(Roster.IsAlive(self));
        using var next = Start(language, directory);
        next.ReadLine();
        Assert.Equal("after a death", next.Ask("enter"));
        Assert.Equal("consistent", next.Ask("consistent"));
        Assert.Equal("0", next.Ask("leave"));
        mutex.Enter().Dispose();
        // A participant that leaves the roster inside is dead for the others.
        SharedMutex.At(OtherRoster, Memory.Mutex).Enter();
        next.Tell("enter");
        OtherRoster.Dispose();
        Assert.Equal("after a death", next.ReadLine());
    }

    [SkippableTheory]
    [InlineData("c")]
    [InlineData("python")]
    [Rule("languages.signals")]
    public async Task Semaphores_events_and_event_counts_work_both_ways(string language)
    {
        using var directory = TemporaryDirectory.InMemory();
        var semaphore = SharedSemaphore.At(Mapping, Memory.Semaphore, 0);
        var signal = SharedEvent.At(Mapping, Memory.Event, EventResetMode.AutoReset);
        var count = SharedEventCount.At(Roster, Memory.EventCount);
        using var peer = Start(language, directory);
        peer.ReadLine();
        peer.Tell("wait-semaphore");
        Watchdog.Until(() => (Memory.Word(Memory.Semaphore) >> 31) == 1, "the waiter");
        semaphore.Release();
        Assert.Equal("taken", peer.ReadLine());
        var waiting = semaphore.WaitAsync().AsTask();
        Assert.Equal("0", peer.Ask("release"));
        await waiting.WaitAsync(Watchdog.Limit);
        peer.Tell("wait-event");
        Watchdog.Until(() => (Memory.Word(Memory.Event) >> 31) == 1, "the waiter");
        signal.Set();
        Assert.Equal("set", peer.ReadLine());
        waiting = signal.WaitAsync().AsTask();
        Assert.Equal("set", peer.Ask("set"));
        await waiting.WaitAsync(Watchdog.Limit);
        Assert.Equal("0", peer.Ask("notify"));
        var key = count.PrepareWait();
        waiting = count.WaitAsync(key).AsTask();
        Assert.Equal("1", peer.Ask("notify"));
        await waiting.WaitAsync(Watchdog.Limit);
        Assert.Equal("prepared", peer.Ask("wait-count"));
        Assert.True(count.NotifyAll());
        Assert.Equal("notified", peer.ReadLine());
    }

    [SkippableTheory]
    [InlineData("c")]
    [InlineData("python")]
    [Rule("languages.try")]
    public void A_try_enters_a_free_mutex_that_somebody_waits_for_patiently_and_never_waits(string language)
    {
        using var directory = TemporaryDirectory.InMemory();
        using var peer = Start(language, directory);
        var self = uint.Parse(peer.ReadLine(), CultureInfo.InvariantCulture);
        var mutex = SharedMutex.At(Roster, Memory.Mutex);
        Memory.Store(Memory.Mutex, LockLayout.Waiters | LockLayout.Patient);
        Assert.Equal("entered", peer.Ask("try"));
        Assert.Equal(self | LockLayout.Waiters | LockLayout.Patient, Memory.Word(Memory.Mutex));
        // Nobody sleeps, so nobody is patient either.
        Assert.Equal("0", peer.Ask("leave"));
        Assert.Equal(0u, Memory.Word(Memory.Mutex));
        using (mutex.Enter())
        {
            Assert.Equal("taken", peer.Ask("try"));
            Assert.Equal(Roster.Self.Value, Memory.Word(Memory.Mutex));
        }

        Memory.Store(Memory.Mutex, LockLayout.Inconsistent);
        Assert.Equal("after a death", peer.Ask("try"));
    }

    [SkippableTheory]
    [InlineData("c")]
    [InlineData("musl")]
    [InlineData("python")]
    [Rule("languages.fork")]
    public async Task A_child_of_a_fork_takes_a_seat_of_its_own_and_its_parent_keeps_its_seat(string language)
    {
        using var directory = TemporaryDirectory.InMemory();
        using var peer = Start(language, directory);
        var parent = new Participant(uint.Parse(peer.ReadLine(), CultureInfo.InvariantCulture));
        var answer = peer.Ask("fork").Split(' ');
        var child = new Participant(uint.Parse(answer[0], CultureInfo.InvariantCulture));
        Assert.NotEqual(parent, child);
        Assert.True(Roster.IsAlive(parent));
        Assert.True(Roster.IsAlive(child));
        using (var process = Process.GetProcessById(int.Parse(answer[1], CultureInfo.InvariantCulture)))
        {
            process.Kill();
        }

        await Roster.WaitForEndAsync(child).WaitAsync(Watchdog.Limit);
        Assert.True(Roster.IsAlive(parent));
        Assert.Equal("left", peer.Ask("quit"));
        Assert.False(Roster.IsAlive(parent));
    }

    [SkippableFact]
    [Rule("languages.storm")]
    public void Peers_in_C_and_NET_that_are_killed_at_random_tear_no_value()
    {
        var mutex = SharedMutex.At(Roster, Memory.Mutex);
        var seconds = double.Parse(Environment.GetEnvironmentVariable("STRESS_SECONDS") ?? "4", CultureInfo.InvariantCulture);
        var random = new Random(4711);
        var program = CCompilation.Build("cc", "partner.c");
        var clock = Stopwatch.StartNew();
        do
        {
            using var peer = Peer.Run(program, "/dev/shm/" + Memory.Name);
            peer.ReadLine();
            peer.Ask("work");
            for (var until = clock.ElapsedTicks + random.Next(3_000_000); clock.ElapsedTicks < until;)
            {
                Peers.Storming.Enter(mutex, Mapping);
            }

            peer.Kill();
        }
        while (clock.Elapsed.TotalSeconds < seconds);

        Peers.Storming.Enter(mutex, Mapping);
        Assert.Equal(0, Mapping.GetReference<long>(Peers.Storming.Torn));
        Assert.Equal(Mapping.GetReference<long>(Peers.Storming.First), Mapping.GetReference<long>(Peers.Storming.Second));
    }

    [SkippableFact]
    [Rule("languages.namespaces")]
    public async Task Deaths_are_noticed_across_PID_namespaces_where_process_and_thread_ids_are_equal()
    {
        var program = CCompilation.Build("cc", "partner.c");
        Skip.IfNot(Environment.IsPrivilegedProcess && File.Exists("/usr/bin/unshare"), "A PID namespace needs root and unshare.");
        using var first = StartInNamespace();
        using var second = StartInNamespace();
        var holder = new Participant(uint.Parse(first.ReadLine(), CultureInfo.InvariantCulture));
        var waiter = new Participant(uint.Parse(second.ReadLine(), CultureInfo.InvariantCulture));
        Assert.Equal(Roster.GetProcessId(holder), Roster.GetProcessId(waiter));
        Assert.Equal(Life(holder), Life(waiter));
        Assert.Equal("entered", first.Ask("enter"));
        second.Tell("enter");
        Watchdog.Until(() => (Memory.Word(Memory.Mutex) >> 31) == 1, "the waiter");
        var ended = Roster.WaitForEndAsync(holder);
        second.Kill();
        await Roster.WaitForEndAsync(waiter).WaitAsync(Watchdog.Limit);
        Assert.True(Roster.IsAlive(holder));
        Assert.False(ended.IsCompleted);
        first.Kill();
        await ended.WaitAsync(Watchdog.Limit);
        Assert.Throws<OwnerDiedException>(() => SharedMutex.At(Roster, Memory.Mutex).Enter());

        uint Life(Participant participant) => Memory.Word(64 + (32 * (participant.Seat - 1)));

        Peer StartInNamespace() => Peer.Run("unshare", "--pid", "--fork", "--kill-child", program, "/dev/shm/" + Memory.Name);
    }

    private Peer Start(string language, TemporaryDirectory directory) => Languages.Start(language, directory, Memory);
}
