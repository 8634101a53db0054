namespace Posix.SharedMemory.Threading.Tests;

/// <summary>POSIX semaphores: the same bytes as the C library's.</summary>
public sealed class PosixSemaphores : IDisposable
{
    private readonly TemporaryName _name = new("posix");
    private readonly TemporaryName _file;

    public PosixSemaphores() => _file = TemporaryName.Of("sem." + _name.Name);

    [Fact]
    [Rule("posix.semaphore")]
    public void It_is_created_counted_and_unlinked()
    {
        using var first = PosixSemaphore.OpenOrCreate("/" + _name, 2, out var createdNew);
        using var second = PosixSemaphore.OpenOrCreate(_name, 9, out var createdAgain);
        Assert.True(createdNew);
        Assert.False(createdAgain);
        Assert.Equal(32, new FileInfo(_file.Path).Length);
        Assert.True(second.TryWait());
        second.Wait();
        Assert.False(first.TryWait());
        Assert.False(first.Wait(TimeSpan.FromMilliseconds(5)));
        Assert.Equal(0, first.Release(3));
        Assert.Equal(3, second.CurrentCount);
        PosixSemaphore.Unlink(_name);
        Assert.False(PosixSemaphore.TryUnlink(_name));
        Assert.Equal(Errno.ENOENT, Assert.Throws<SharedMemoryException>(() => PosixSemaphore.Open(_name)).Errno);
    }

    [Fact]
    [Rule("posix.semaphore.at")]
    public async Task One_in_the_middle_of_a_mapping_is_used_where_it_lies()
    {
        using var named = PosixSemaphore.OpenOrCreate(_name, 1, out _);
        using var memory = SharedMemoryObject.Open(_file);
        using var mapping = memory.Map();
        using var placed = PosixSemaphore.At(mapping, 0);
        Assert.True(await placed.WaitAsync(Watchdog.Limit));
        Assert.Equal(0, named.CurrentCount);
        Assert.False(await placed.WaitAsync(TimeSpan.FromMilliseconds(20)));
        Assert.Equal(0, Waiters());
        var waiting = placed.WaitAsync(Watchdog.Limit).AsTask();
        Watchdog.Until(() => Waiters() == 1, "the waiter");
        named.Release();
        Assert.True(await waiting);
        Assert.Throws<ArgumentException>(() => PosixSemaphore.At(mapping, 4));
        Assert.Throws<ArgumentOutOfRangeException>(() => PosixSemaphore.At(mapping, 8));
        Assert.Throws<ArgumentNullException>(() => PosixSemaphore.At(null!, 0));
        using var forReading = memory.Map(new MappingOptions { Access = FileAccess.Read });
        Assert.Throws<ArgumentException>(() => PosixSemaphore.At(forReading, 0));

        // What lies in the caller's mapping stays the caller's.
        placed.Dispose();
        Assert.Equal(0u, mapping.GetReference<uint>(0));
    }

    [Fact]
    [Rule("posix.short")]
    public void A_file_that_is_too_short_is_refused()
    {
        using var memory = SharedMemoryObject.Create(_file, 16);
        Assert.Throws<InvalidDataException>(() => PosixSemaphore.Open(_name));
    }

    [Fact]
    [Rule("posix.python")]
    public async Task Python_waits_for_it_and_posts_it_through_the_C_library()
    {
        const string Program = """
            import ctypes, sys
            c = ctypes.CDLL(None, use_errno=True); c.sem_open.restype = ctypes.c_void_p
            s = ctypes.c_void_p(c.sem_open(sys.argv[1].encode(), 0))
            print("open", flush=True)
            for line in sys.stdin:
                print((c.sem_wait if line.strip() == "wait" else c.sem_post)(s), flush=True)
            """;
        using var semaphore = PosixSemaphore.OpenOrCreate(_name, 0, out _);
        using var peer = Peer.Run("python3", "-c", Program, "/" + _name);
        Assert.Equal("open", peer.ReadLine());
        peer.Tell("wait");
        Watchdog.Until(() => Waiters() == 1, "the waiter");
        semaphore.Release();
        Assert.Equal("0", peer.ReadLine());
        Assert.Equal(0, Waiters());
        var blocked = Task.Run(() => semaphore.Wait());
        var waiting = semaphore.WaitAsync().AsTask();
        using var cancellation = new CancellationTokenSource(20);
        await Assert.ThrowsAnyAsync<OperationCanceledException>(async () => await semaphore.WaitAsync(cancellation.Token));
        Watchdog.Until(() => Waiters() == 2, "two waiters");
        Assert.Equal("0", peer.Ask("post"));
        Assert.Equal("0", peer.Ask("post"));
        await Task.WhenAll(blocked, waiting).WaitAsync(Watchdog.Limit);
        Assert.Equal(0, semaphore.CurrentCount);
        Assert.Equal(0, Waiters());
    }

    [SkippableTheory]
    [InlineData(true)]
    [InlineData(false)]
    [Rule("posix.ipc")]
    public void Python_waits_for_it_and_posts_it_through_posix_ipc(bool createdByPython)
    {
        const string Program = """
            import sys
            try:
                import posix_ipc
            except ImportError:
                print("missing", flush=True); sys.exit()
            flags = posix_ipc.O_CREX if sys.argv[2] == "create" else 0
            s = posix_ipc.Semaphore(sys.argv[1], flags, initial_value=0)
            print("open", flush=True)
            for line in sys.stdin:
                s.acquire() if line.strip() == "wait" else s.release()
                print(s.value, flush=True)
            """;
        using var created = createdByPython ? null : PosixSemaphore.OpenOrCreate(_name, 0, out _);
        using var peer = Peer.Run("python3", "-c", Program, "/" + _name, createdByPython ? "create" : "open");
        var answer = peer.ReadLine();
        Skip.If(answer == "missing", "This Python has no posix_ipc (python3-posix-ipc).");
        Assert.Equal("open", answer);
        using var opened = createdByPython ? PosixSemaphore.Open(_name) : null;
        var semaphore = created ?? opened!;
        peer.Tell("wait");
        Watchdog.Until(() => Waiters() == 1, "the waiter");
        semaphore.Release();
        Assert.Equal("0", peer.ReadLine());
        Assert.Equal("1", peer.Ask("post"));
        Assert.True(semaphore.TryWait());
        Assert.Equal(0, semaphore.CurrentCount);
        Assert.Equal(0, Waiters());
    }

    [Fact]
    [Rule("posix.library")]
    public void Semaphores_are_found_in_the_library_that_had_them_before_glibc_2_34()
    {
        var own = Record.Exception(() => _ = PosixSemaphoreLayout.Template.Length) is null ? PosixSemaphoreLayout.Template.ToArray() : null;
        Assert.Equal(own, PosixSemaphoreLayout.MakeBy("libpthread.so.0"));
        Assert.Null(PosixSemaphoreLayout.MakeBy("libshm-that-is-not-there.so.0"));
    }

    /// <summary>A C program that creates the semaphore or opens it, and the C library's own sizes and offsets.</summary>
    [SkippableTheory]
    [InlineData("cc", true)]
    [InlineData("cc", false)]
    [InlineData("musl-gcc", true)]
    [Rule("posix.semaphore.sides")]
    public async Task C_and_NET_use_it_whichever_of_them_created_it(string compiler, bool createdByC)
    {
        var program = CCompilation.Build(compiler, "semaphore.c");
        using var created = createdByC ? null : PosixSemaphore.OpenOrCreate(_name, 0, out _);
        using var peer = Peer.Run(program, "/" + _name, createdByC ? "create" : "open");
        // Its size, and where value and waiters are: found by the program in a semaphore with the value 5.
        var found = peer.ReadLine();
        if (compiler == "musl-gcc")
        {
            // Another layout, and a file without the prefix: nothing is shared, and nothing is mistaken.
            Assert.Equal("32 0", found);
            Assert.False(PosixSemaphore.TryUnlink(_name));
            Assert.Equal(Errno.ENOENT, Assert.Throws<SharedMemoryException>(() => PosixSemaphore.Open(_name)).Errno);
            Assert.Equal("unlinked", peer.Ask("unlink"));
            return;
        }

        Assert.Equal($"{PosixSemaphore.Size} 0", found);
        using var semaphore = PosixSemaphore.Open(_name);
        await PassPermits(semaphore, peer);
        Assert.Equal("unlinked", peer.Ask("unlink"));
        Assert.Equal(Errno.ENOENT, Assert.Throws<SharedMemoryException>(() => PosixSemaphore.Open(_name)).Errno);
    }

    /// <summary>Python's own module, which knows the C library's functions only, and keeps the name for itself.</summary>
    [SkippableTheory]
    [InlineData(true)]
    [InlineData(false)]
    [Rule("posix.semaphore.sides")]
    public async Task Python_multiprocessing_and_NET_use_it_whichever_of_them_created_it(bool createdByPython)
    {
        const string Program = """
            import sys, _multiprocessing
            name, creates = sys.argv[1], sys.argv[2] == "create"
            if creates:
                s = _multiprocessing.SemLock(1, 0, 0x7fffffff, name, False)
            else:
                s = _multiprocessing.SemLock._rebuild(0, 1, 0x7fffffff, name)
            print("32 0", flush=True)
            for line in sys.stdin:
                act = line.strip()
                if act == "wait":
                    s.acquire(); print("0", flush=True)
                elif act == "post":
                    s.release(); print("0", flush=True)
                elif act == "value":
                    print(s._get_value(), flush=True)
                else:
                    _multiprocessing.sem_unlink(name); print("unlinked", flush=True)
            """;
        Skip.IfNot(Installed.Has("python3"), "python3 is not on this machine.");
        using var created = createdByPython ? null : PosixSemaphore.OpenOrCreate(_name, 0, out _);
        using var peer = Peer.Run("python3", "-c", Program, "/" + _name, createdByPython ? "create" : "open");
        Assert.Equal("32 0", peer.ReadLine());
        using var semaphore = PosixSemaphore.Open(_name);
        await PassPermits(semaphore, peer);
        Assert.Equal("unlinked", peer.Ask("unlink"));
        Assert.False(PosixSemaphore.TryUnlink(_name));
    }

    /// <summary>Permits go both ways, to sleepers and to those that come later; nothing is lost.</summary>
    private async Task PassPermits(PosixSemaphore semaphore, Peer peer)
    {
        Assert.Equal("0", peer.Ask("value"));
        Assert.Equal(0, semaphore.Release(3));
        Assert.Equal("3", peer.Ask("value"));
        Assert.Equal("0", peer.Ask("wait"));
        Assert.Equal(2, semaphore.CurrentCount);
        Assert.True(semaphore.TryWait());
        Assert.True(await semaphore.WaitAsync(Watchdog.Limit));
        peer.Tell("wait");
        Watchdog.Until(() => Waiters() == 1, "the waiter");
        semaphore.Release();
        Assert.Equal("0", peer.ReadLine());
        var blocked = Task.Run(() => semaphore.Wait());
        Watchdog.Until(() => Waiters() == 1, "the waiter here");
        Assert.Equal("0", peer.Ask("post"));
        await blocked.WaitAsync(Watchdog.Limit);
        Assert.Equal("0", peer.Ask("value"));
        Assert.Equal(0, Waiters());
    }

    public void Dispose()
    {
        _file.Dispose();
        _name.Dispose();
    }

    private int Waiters() => BitConverter.ToInt32(File.ReadAllBytes(_file.Path), 4);
}
