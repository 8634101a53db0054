using System.Runtime.Versioning;
using Posix.SharedMemory.Threading;

namespace Posix.SharedMemory.Tool.Tests;

/// <summary>Named locks and POSIX semaphores: <c>shm lock</c>, and what <c>ls</c> and <c>stat</c> know of them.</summary>
[SupportedOSPlatform("linux")]
public sealed class LookingAtLocks : IDisposable
{
    private readonly Objects _objects = new();

    [Fact]
    public void Shows_who_holds_a_mutex_and_who_died_in_it()
    {
        var name = _objects.Prefix + "mutex";
        using var mutex = NamedMutex.OpenOrCreate(name, out _);
        Assert.Equal(["Kind:    mutex", "State:   free", "Waiters: none", "Seats:   1 of 63 taken", "Name:    goes when the last process closes it", ""], Shm.Print("lock", name).Split('\n')[..6]);
        int process;
        using (var peer = Peer.Start("lock-mutex", name))
        {
            Assert.Equal("held", peer.ReadLine());
            process = peer.ProcessId;
            var held = Shm.Print("lock", name);
            Assert.Contains($"State:   held by process {process} (seat 2)\n", held, StringComparison.Ordinal);
            Assert.Contains($"   2     1  {process}", held, StringComparison.Ordinal);
            Assert.Contains("living, holds the lock", held, StringComparison.Ordinal);
            Assert.False(mutex.WaitOne(5));
            peer.Kill();
        }

        Assert.Contains($"State:   process {process} (seat 2) died inside: unrepaired\n", Shm.Print("lock", name), StringComparison.Ordinal);
        Assert.Throws<OwnerDiedException>(() => mutex.WaitOne());
        Assert.Contains("State:   free, but an owner died inside: unrepaired\n", Shm.Print("lock", name), StringComparison.Ordinal);
        using (mutex.Lock.EnterUnrepaired())
        {
            Assert.Contains($"State:   held by process {Environment.ProcessId} (seat 1); an owner before it died inside: unrepaired\n", Shm.Print("lock", name), StringComparison.Ordinal);
        }

        mutex.Lock.EnterUnrepaired().Retire();
        Assert.Contains("State:   retired: nobody can enter again\n", Shm.Print("lock", name), StringComparison.Ordinal);
    }

    [Fact]
    public void Prints_JSON_with_seats_and_holder()
    {
        var name = _objects.Prefix + "mutex";
        using var mutex = NamedMutex.OpenOrCreate(name, out _, new() { Seats = 7, Lifetime = Lifetime.Keep });
        using var hold = mutex.Lock.Enter();
        var answer = Objects.Json(Shm.Print("lock", name, "--json"));
        Assert.Equal(name, answer.GetProperty("name").GetString());
        var found = answer.GetProperty("lock");
        var holder = found.GetProperty("holder");
        Assert.Equal(
            ("mutex", 7, true, false, true, Environment.ProcessId, "living", true),
            (found.GetProperty("kind").GetString(), found.GetProperty("seats").GetInt32(), found.GetProperty("held").GetBoolean(), found.GetProperty("inconsistent").GetBoolean(),
                found.GetProperty("kept").GetBoolean(), holder.GetProperty("pid").GetInt32(), holder.GetProperty("state").GetString(), holder.GetProperty("same_pid_namespace").GetBoolean()));
        Assert.Equal(1, found.GetProperty("used_seats").GetArrayLength());
        Assert.Equal(System.Text.Json.JsonValueKind.Null, found.GetProperty("count").ValueKind);
    }

    [Fact]
    public void Shows_the_permits_of_semaphores_and_who_has_them()
    {
        string plain = _objects.Prefix + "plain", returning = _objects.Prefix + "returning";
        using var first = NamedSemaphore.OpenOrCreate(plain, 2, 5, out _);
        using var unlimited = NamedSemaphore.OpenOrCreate(_objects.Prefix + "many", 1, int.MaxValue, out _);
        using var second = NamedSemaphore.OpenOrCreate(returning, 3, 3, out _, new() { ReturnPermitsOfTheDead = true });
        Assert.Contains("State:   2 of 5 permits free\n", Shm.Print("lock", plain), StringComparison.Ordinal);
        Assert.Contains("State:   1 permit\n", Shm.Print("lock", _objects.Prefix + "many"), StringComparison.Ordinal);
        using var peer = Peer.Start("lock-semaphore", returning);
        Assert.Equal("held", peer.ReadLine());
        var text = Shm.Print("lock", returning);
        Assert.Contains("Kind:    semaphore; permits of dead processes come back\nState:   2 of 3 permits free\n", text, StringComparison.Ordinal);
        Assert.Matches($@"\n +2 +1 +{peer.ProcessId} +living +1\n", text);
        peer.Kill();
        Assert.Matches($@"\n +2 +1 +{peer.ProcessId} +died +1\n", Shm.Print("lock", returning));
    }

    [Fact]
    public void Shows_events_rosters_and_POSIX_semaphores()
    {
        string set = _objects.Prefix + "event", roster = _objects.Prefix + "roster";
        using var signal = NamedEvent.OpenOrCreate(set, initialState: true, EventResetMode.ManualReset, out _);
        Assert.StartsWith("Kind:    event, manual\nState:   set\n", Shm.Print("lock", set), StringComparison.Ordinal);
        signal.Reset();
        Assert.Contains("State:   not set\n", Shm.Print("lock", set), StringComparison.Ordinal);
        using var memory = SharedMemoryObject.Create(roster, 8192);
        using var mapping = memory.Map();
        using var joined = Roster.Join(mapping, 0, 3);
        Assert.StartsWith("Kind:    roster without a named lock\nState:   1 of 3 seats taken\n", Shm.Print("lock", roster), StringComparison.Ordinal);
        using var file = TemporaryName.Of("sem." + _objects.Prefix + "posix");
        using var semaphore = PosixSemaphore.OpenOrCreate(_objects.Prefix + "posix", 4, out _);
        Assert.Equal("Kind:    POSIX semaphore (sem_open)\nState:   4 permits\nWaiters: 0\n", Shm.Print("lock", file.Name));
    }

    [Fact]
    public void Objects_without_locks_are_reported_as_such_and_inspection_changes_no_byte()
    {
        var name = _objects.Add("frames");
        Assert.Equal($"shm: lock: {name}: this is not a named lock, a roster or a POSIX semaphore; shm ls shows which objects are", Shm.Fail("lock", name));
        Assert.Contains("ENOENT", Shm.Fail("lock", _objects.Prefix + "none"), StringComparison.Ordinal);
        var mutex = _objects.Prefix + "mutex";
        using var locked = NamedMutex.OpenOrCreate(mutex, out _);
        var before = Objects.Read(mutex);
        Shm.Print("lock", mutex);
        Shm.Print("stat", mutex);
        Assert.Equal(before, Objects.Read(mutex));
        // Bytes that look like a lock and lie: seats beyond the object, a tag of another kind.
        using var liar = SharedMemoryObject.Create(_objects.Prefix + "liar", 4096);
        liar.Write([0x50, 0x53, 0x4D, 0x52, 1, 0, 0xFF, 3], 0);
        Shm.Fail("lock", _objects.Prefix + "liar");
    }

    [Fact]
    public void Lists_and_status_name_the_kind()
    {
        string mutex = _objects.Prefix + "mutex", frames = _objects.Add("frames");
        Assert.DoesNotContain("KIND", Shm.Print("ls", _objects.All), StringComparison.Ordinal);
        using var locked = NamedMutex.OpenOrCreate(mutex, out _);
        using var returning = NamedSemaphore.OpenOrCreate(_objects.Prefix + "z", 1, 1, out _, new() { ReturnPermitsOfTheDead = true });
        var lines = _objects.Normal(Shm.Print("ls", _objects.All)).Split('\n');
        Assert.EndsWith("KIND                 NAME", lines[0], StringComparison.Ordinal);
        Assert.EndsWith("                     frames", lines[1], StringComparison.Ordinal);
        Assert.EndsWith("mutex                mutex", lines[2], StringComparison.Ordinal);
        Assert.EndsWith("returning semaphore  z", lines[3], StringComparison.Ordinal);
        var facts = Objects.Json(Shm.Print("ls", _objects.All, "--json")).EnumerateArray().Select(fact => fact.GetProperty("kind").GetString());
        Assert.Equal([null, "mutex", "returning_semaphore"], facts);
        Assert.Contains("\nLock:      mutex; free\n", Shm.Print("stat", mutex), StringComparison.Ordinal);
        Assert.DoesNotContain("\nLock:", Shm.Print("stat", frames), StringComparison.Ordinal);
        Assert.Equal("mutex", Objects.Json(Shm.Print("stat", mutex, "--json")).GetProperty("lock").GetProperty("kind").GetString());
        Assert.Equal(System.Text.Json.JsonValueKind.Null, Objects.Json(Shm.Print("stat", frames, "--json")).GetProperty("lock").ValueKind);
    }

    [Fact]
    public void The_doctor_says_where_a_fallback_is_forced()
    {
        using var root = new FakeRoot();
        Assert.DoesNotContain(Examination.Of(root.Machine), finding => finding.Check is "futex" or "membarrier" or "robust");
        Machine Locks(bool several, bool fence, bool mark) => root.MakeWithLocks((several, fence, mark));
        Assert.Equal(3, Examination.Of(Locks(true, true, true)).Count(finding => finding.Check is "futex" or "membarrier" or "robust" && finding.Level == FindingLevel.Ok));
        Assert.Equal("futex", Assert.Single(Examination.Of(Locks(false, true, true)), finding => finding.Level == FindingLevel.Note).Check);
        Assert.Equal("membarrier", Assert.Single(Examination.Of(Locks(true, false, true)), finding => finding.Level == FindingLevel.Note).Check);
        Assert.Equal("robust", Assert.Single(Examination.Of(Locks(true, true, false)), finding => finding.Level == FindingLevel.Warning).Check);
        Assert.Contains("futex_waitv", Shm.Run("doctor").Output, StringComparison.Ordinal);
    }

    public void Dispose() => _objects.Dispose();
}
