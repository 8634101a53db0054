using System.Globalization;
using System.Runtime.InteropServices;

namespace Posix.SharedMemory.Threading.Tests;

/// <summary>POSIX mutexes: the same bytes as the C library's, with a partner in C that knows the library's functions only.</summary>
public sealed class PosixMutexes : PosixMutexPartners
{
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
        Memory.Store(Place, 1);
        Assert.Throws<InvalidDataException>(() => PosixMutex.At(Mapping, Place));
        Assert.Equal(1u, Memory.Word(Place));
        Assert.Throws<ArgumentException>(() => PosixMutex.At(Mapping, Place + 4));
        Assert.Throws<ArgumentOutOfRangeException>(() => PosixMutex.At(Mapping, Mapping.Length - 8));
        using var forReading = Memory.MapAgain(FileAccess.Read);
        Assert.Throws<ArgumentException>(() => PosixMutex.At(forReading, Place));
        PosixMutex.At(Mapping, Mapping.Length - 64).Enter().Dispose();
    }

    [SkippableFact]
    [Rule("posix.mutex.lost")]
    public async Task A_mutex_whose_bytes_were_overwritten_inside_is_reported_as_lost()
    {
        // On a thread of its own, whose list ends with it.
        await OnThread(() => Assert.Throws<LockLostException>(() =>
        {
            using var hold = PosixMutex.At(Mapping, Place).Enter();
            Memory.Store(Place + WordOffset, 0);
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
        using var peer = Peer.Run("python3", "-c", Program, "/dev/shm/" + Memory.Name, Place.ToString(CultureInfo.InvariantCulture));
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
}
