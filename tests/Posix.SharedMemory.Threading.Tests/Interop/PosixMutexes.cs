using System.Diagnostics;
using System.Globalization;
using System.Runtime.InteropServices;

namespace Posix.SharedMemory.Threading.Tests;

/// <summary>POSIX mutexes: the same bytes as the C library's, with a partner in C that knows the library's functions only.</summary>
public sealed class PosixMutexes : IDisposable
{
    private const long Place = 4096, Second = 4096 + 64, Data = Place + 256;
    private const string Busy = "16", OwnerDied = "130", NotRecoverable = "131";

    private readonly TemporaryDirectory _directory = TemporaryDirectory.InMemory();
    private readonly Memory _memory = new();

    private MemoryMapping Mapping => _memory.Mapping;

    [SkippableFact]
    [Rule("posix.mutex")]
    public async Task Zeroed_bytes_become_a_mutex_that_C_and_NET_enter_in_turn()
    {
        using var peer = Start();
        var mutex = PosixMutex.At(Mapping, Place);
        using (mutex.Enter())
        {
            Assert.True(mutex.IsHeld);
            Assert.Equal(Busy, peer.Ask("trylock"));
            peer.Tell("lock");
            Watchdog.Until(HasWaiters, "the waiter in C");
        }

        Assert.Equal("0", peer.ReadLine());
        Assert.False(mutex.TryEnter(out _));
        Assert.False(mutex.TryEnter(TimeSpan.FromMilliseconds(70), out _));
        using var cancellation = new CancellationTokenSource(70);
        Assert.Throws<OperationCanceledException>(() => mutex.Enter(cancellation.Token).Dispose());
        var blocked = OnThread(() => mutex.Enter().Dispose());
        var patient = OnThread(() =>
        {
            Assert.True(mutex.TryEnter(TimeSpan.FromHours(1), out var hold));
            hold.Dispose();
        });
        Watchdog.Until(HasWaiters, "the waiters here");
        Assert.Equal("0", peer.Ask("unlock"));
        await Task.WhenAll(blocked, patient).WaitAsync(Watchdog.Limit);
        Assert.False(mutex.IsHeld);
    }

    [SkippableTheory]
    [InlineData("init", true)]
    [InlineData("init normal", true)]
    [InlineData("init checking", true)]
    [InlineData("init recursive", false)]
    [InlineData("init stalled", false)]
    [Rule("posix.mutex.kind")]
    public void Only_a_mutex_that_is_robust_shared_and_not_recursive_is_accepted(string act, bool isAccepted)
    {
        using var peer = Start();
        Assert.Equal("0", peer.Ask(act));
        if (isAccepted)
        {
            PosixMutex.At(Mapping, Place).Enter().Dispose();
            Assert.Equal("0", peer.Ask("trylock"));
        }
        else
        {
            var before = Mapping.GetSpan(Place, 64).ToArray();
            Assert.Throws<InvalidDataException>(() => PosixMutex.At(Mapping, Place));
            Assert.Equal(before, Mapping.GetSpan(Place, 64).ToArray());
        }
    }

    [Fact]
    [Rule("posix.mutex.kind")]
    public void Bytes_that_are_not_a_mutex_are_refused_and_left_alone()
    {
        _memory.Store(Place, 1);
        Assert.Throws<InvalidDataException>(() => PosixMutex.At(Mapping, Place));
        Assert.Equal(1u, _memory.Word(Place));
        Assert.Throws<ArgumentException>(() => PosixMutex.At(Mapping, Place + 4));
        Assert.Throws<ArgumentOutOfRangeException>(() => PosixMutex.At(Mapping, Mapping.Length - 8));
        using var forReading = _memory.MapAgain(FileAccess.Read);
        Assert.Throws<ArgumentException>(() => PosixMutex.At(forReading, Place));
        PosixMutex.At(Mapping, Mapping.Length - 64).Enter().Dispose();
    }

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
    [Rule("posix.mutex.lost")]
    public async Task A_mutex_whose_bytes_were_overwritten_inside_is_reported_as_lost()
    {
        // On a thread of its own, whose list ends with it.
        await OnThread(() => Assert.Throws<LockLostException>(() =>
        {
            using var hold = PosixMutex.At(Mapping, Place).Enter();
            _memory.Store(Place + WordOffset, 0);
        })).WaitAsync(Watchdog.Limit);
        default(PosixMutexHold).Dispose();
        Assert.Throws<InvalidOperationException>(() => default(PosixMutexHold).MarkConsistent());
    }

    [Fact]
    [Rule("posix.mutex.thread")]
    public async Task A_mutex_stays_mapped_until_the_thread_inside_leaves_or_ends()
    {
        await OnThread(() =>
        {
            using var name = new TemporaryName("posix-mutex");
            var inode = EnterAndForget(name);
#pragma warning disable RS0030 // The rule under test is about the collector.
            GC.Collect();
#pragma warning restore RS0030
            GC.WaitForPendingFinalizers();
            Assert.Contains($" {inode} ", File.ReadAllText("/proc/self/maps"));
            using var hold = PosixMutex.At(Mapping, Place).Enter();
            using var other = PosixMutex.At(Mapping, Second).Enter();
            hold.Dispose();
        }).WaitAsync(Watchdog.Limit);

        static ulong EnterAndForget(string name)
        {
            using var memory = SharedMemoryObject.Create(name, 4096);
            using var mapping = memory.Map();
            _ = PosixMutex.At(mapping, 0).Enter();
            return memory.GetStatus().Identity.Inode;
        }
    }

    [SkippableFact]
    [Rule("posix.mutex.process")]
    public void A_C_program_learns_that_a_NET_process_was_killed_inside()
    {
        using var peer = Start();
        using (var partner = Peers.Partner.Start("posix-mutex", _memory.Name))
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
            using var peer = Peer.Run(program, "/dev/shm/" + _memory.Name, Place.ToString(CultureInfo.InvariantCulture));
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

    [Fact]
    [Rule("posix.mutex.allocation")]
    public void Entering_and_leaving_allocates_nothing()
    {
        var mutex = PosixMutex.At(Mapping, Place);
        Assert.Equal(0, Allocation.OfRounds(1000, () => mutex.Enter().Dispose()));
    }

    [SkippableFact]
    [Rule("posix.mutex.python")]
    public void Python_enters_it_through_the_C_library()
    {
        const string Program = """
            import ctypes, mmap, sys
            c = ctypes.CDLL(None)
            file = open(sys.argv[1], "r+b")
            memory = mmap.mmap(file.fileno(), 65536)
            mutex = ctypes.byref(ctypes.c_char.from_buffer(memory, int(sys.argv[2])))
            print("open", flush=True)
            for line in sys.stdin:
                print(getattr(c, "pthread_mutex_" + line.strip())(mutex), flush=True)
            """;
        var mutex = PosixMutex.At(Mapping, Place);
        using var peer = Peer.Run("python3", "-c", Program, "/dev/shm/" + _memory.Name, Place.ToString(CultureInfo.InvariantCulture));
        Assert.Equal("open", peer.ReadLine());
        using (mutex.Enter())
        {
            Assert.Equal(Busy, peer.Ask("trylock"));
        }

        Assert.Equal("0", peer.Ask("lock"));
        peer.Kill();
        Assert.Throws<OwnerDiedException>(() => mutex.Enter().Dispose());
        mutex.Enter(() => { }).Dispose();
    }

    [SkippableTheory]
    [InlineData("cc")]
    [InlineData("musl-gcc")]
    [Rule("posix.mutex.layout")]
    public void The_C_library_behaves_as_PosixMutex_assumes(string compiler)
    {
        using var peer = Peer.Run(Build(compiler, "trial"));
        var said = peer.Finish();
        Assert.True(said.ExitCode == 0, said.Output);
        var size = RuntimeInformation.ProcessArchitecture == Architecture.Arm64 && compiler == "cc" ? 48 : 40;
        Assert.StartsWith($"size {size} ", said.Output);
        if (compiler == "cc")
        {
            Assert.Contains($" word at {WordOffset} ", said.Output);
        }
    }

    private static long WordOffset => PosixMutexLayout.Current.WordOffset;

    public void Dispose()
    {
        _memory.Dispose();
        _directory.Dispose();
    }

    private bool HasWaiters() => (_memory.Word(Place + WordOffset) >> 31) == 1;

    private static void DieInside(PosixMutex mutex)
    {
        var thread = new Thread(() => _ = mutex.Enter());
        thread.Start();
        thread.Join();
        // The runtime's Join returns before the kernel has ended the thread.
        Watchdog.Until(() => mutex.IsInconsistent, "the end of the thread");
    }

    private static bool IsInFutex(int process) => File.ReadAllText($"/proc/{process}/wchan").StartsWith("futex", StringComparison.Ordinal);

    private static Task<bool> OnThread(Action action) => OnThread(() =>
    {
        action();
        return true;
    });

    internal static Task<T> OnThread<T>(Func<T> action)
    {
        var ended = new TaskCompletionSource<T>(TaskCreationOptions.RunContinuationsAsynchronously);
        new Thread(() =>
        {
            try
            {
                ended.SetResult(action());
            }
            catch (Exception e)
            {
                ended.SetException(e);
            }
        }).Start();
        return ended.Task;
    }

    /// <summary>A waiter that another one's repair was quicker than was not told: that is right too.</summary>
    private static async Task Ended(Task waiter)
    {
        try
        {
            await waiter;
        }
        catch (Xunit.Sdk.ThrowsException)
        {
            // It entered after the repair.
        }
    }

    private Peer Start(long place = Place)
    {
        var peer = Peer.Run(Build("cc", "mutex"), "/dev/shm/" + _memory.Name, place.ToString(CultureInfo.InvariantCulture));
        Assert.Equal(PosixMutexLayout.NativeSize.ToString(CultureInfo.InvariantCulture), peer.ReadLine());
        return peer;
    }

    private string Build(string compiler, string source)
    {
        Skip.IfNot(Installed.Has(compiler), $"{compiler} is not on this machine.");
        var program = Path.Combine(_directory.Path, $"{compiler}-{source}");
        if (!File.Exists(program))
        {
            string[] arguments =
            [
                "-std=c11", "-Wall", "-Wextra", "-Werror", "-O2", "-pthread", .. compiler == "musl-gcc" ? ["-static"] : Array.Empty<string>(),
                "-o", program, Path.Combine(AppContext.BaseDirectory, $"Interop/{source}.c"),
            ];
            using var process = Process.Start(new ProcessStartInfo(compiler, arguments) { RedirectStandardError = true, UseShellExecute = false })!;
            var errors = process.StandardError.ReadToEnd();
            process.WaitForExit();
            Assert.True(process.ExitCode == 0, errors);
        }

        return program;
    }
}
