using System.Globalization;

namespace Posix.SharedMemory.Tests.Mapping;

public sealed class Advising
{
    private static readonly int s_page = Environment.SystemPageSize;

    [Theory]
    [InlineData("mlock", "mlock")]
    [InlineData("munlock", "munlock")]
    [InlineData("mprotect", "mprotect")]
    [InlineData("msync", "msync")]
    [InlineData("madvise", "madvise(MADV_POPULATE_WRITE)")]
    [Rule("map.outlives")]
    public void An_error_keeps_its_number_when_the_object_is_disposed(string call, string operation)
    {
        var acts = new Dictionary<string, Action<MemoryMapping>>(StringComparer.Ordinal)
        {
            ["mlock"] = mapping => mapping.LockInMemory(),
            ["munlock"] = mapping => mapping.UnlockFromMemory(),
            ["mprotect"] = mapping => mapping.Protect(FileAccess.Read),
            ["msync"] = mapping => mapping.Flush(0, 1),
            ["madvise"] = mapping => mapping.Prefault(),
        };
        var platform = new ScriptedPlatform();
        using var host = new SubstitutedObject(platform);
        using var mapping = host.Memory.Map();
        host.Memory.Dispose();
        foreach (var errno in new[] { Errno.ENOMEM, Errno.EPERM, Errno.EFAULT })
        {
            platform.Arm(call, errno);
            var failure = Assert.Throws<SharedMemoryException>(() => acts[call](mapping));
            Assert.Equal((errno, operation), (failure.Errno, failure.Operation));
        }
    }

    [SkippableFact]
    [Rule("prefault.missing")]
    public void Prefault_finds_a_full_file_system_as_ENOSPC_and_changes_nothing()
    {
        // Only a namespace of its own gives a process a small /dev/shm; an ordinary user may be root in one.
        var asRoot = Environment.UserName == "root" ? new string[] { "-m" } : ["-m", "-r"];
        using (var probe = Peer.Run("unshare", [.. asRoot, "mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", "/dev/shm"]))
        {
            var (exitCode, _, errors) = probe.Finish();
            Skip.If(exitCode != 0, $"This user may not mount in a namespace of its own: {errors}");
        }

        foreach (var (length, answer) in (ValueTuple<int, string>[])[(512 << 10, "there"), (4 << 20, "ENOSPC kept"), ((4 << 20) + 1, "ENOSPC kept")])
        {
            using var peer = Peer.Run(
                "unshare",
                [.. asRoot, "sh", "-c", "mount -t tmpfs -o size=1m,mode=1777 tmpfs /dev/shm && exec \"$0\" \"$@\"", Peer.Program, "map-prefault", "full", $"{length}"]);
            Assert.Equal(answer, peer.ReadLine());
            Assert.Equal(0, peer.Finish().ExitCode);
        }
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    [Rule("prefault.missing")]
    public void Prefault_brings_every_page_in(bool byLooking)
    {
        // Where the kernel does not know MADV_POPULATE_WRITE each page is looked at.
        var platform = byLooking ? new ScriptedPlatform("madvise", Errno.EINVAL, occurrence: 0) : new ScriptedPlatform();
        using var memory = Create(platform, 16 * s_page);
        using (var part = memory.Map((2 * s_page) + 100, (3 * s_page) - 50))
        {
            part.Prefault();
            Assert.Equal(4L * s_page, memory.GetStatus().AllocatedBytes);
        }

        using var mapping = memory.Map(new() { AddressSpace = 64 * s_page });
        mapping.Prefault();
        Assert.Equal(16L * s_page, memory.GetStatus().AllocatedBytes);
        Assert.Equal(byLooking, platform.Fired);
        Assert.False(mapping.GetReadOnlySpan().ContainsAnyExcept((byte)0));

        Platform.Linux(SystemCalls.Real).Backing.SetLength(memory.Target, 4 * s_page);
        Assert.Equal(Errno.EFAULT, Assert.Throws<SharedMemoryException>(mapping.Prefault).Errno);
    }

    [Fact]
    [Rule("prefault.missing")]
    public void Prefault_of_a_read_only_mapping_changes_no_byte()
    {
        using var memory = SharedMemoryObject.CreateUnpublished(4 * s_page);
        memory.Write([1, 2, 3], s_page);
        using var mapping = memory.Map(new() { Access = FileAccess.Read });
        mapping.Prefault();
        Assert.Equal([1, 2, 3, 0], mapping.GetReadOnlySpan(s_page, 4).ToArray());
        using var copy = memory.Map(new() { Private = true });
        copy.GetSpan()[0] = 9;
        copy.Prefault();
        Assert.Equal((9, 0), (copy.GetSpan()[0], mapping.GetReadOnlySpan()[0]));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    [Rule("prefault.missing")]
    public void Prefault_preserves_the_stores_of_another_process(bool byLooking)
    {
        const int Pages = 64, Rounds = 20_000;
        var platform = byLooking ? new ScriptedPlatform("madvise", Errno.EINVAL, occurrence: 0) : Platform.Linux(SystemCalls.Real);
        using var name = new TemporaryName();
        using var memory = Create(platform, Pages * s_page);
        memory.Publish(name);
        using var mapping = memory.Map();
        using var peer = Peer.Start("map-count", name, $"{Rounds}");
        Assert.Equal("ready", peer.ReadLine());
        var (prefaults, counted) = (0, 0L);
        // The other process may have counted to the end before this one gets to do anything.
        while (prefaults <= 10)
        {
            peer.Tell("go");
            counted += Rounds;
            Watchdog.Until(
                () =>
                {
                    // A new mapping has no page yet: there is something to bring in each time.
                    using var fresh = memory.Map();
                    fresh.Prefault();
                    prefaults++;
                    return Volatile.Read(ref mapping.GetReference<long>((Pages - 1) * s_page)) >= counted;
                },
                "the end of the other process's counting");
            Assert.Equal("done", peer.ReadLine());
        }

        Assert.Equal(0, peer.Finish().ExitCode);
        for (var page = 0; page < Pages; page++)
        {
            Assert.Equal(counted, mapping.GetReference<long>(page * s_page));
        }
    }

    [Theory]
    [InlineData(MemoryAdvice.Normal, null, null)]
    [InlineData(MemoryAdvice.Random, "rr", MemoryAdvice.Normal)]
    [InlineData(MemoryAdvice.Sequential, "sr", MemoryAdvice.Normal)]
    [InlineData(MemoryAdvice.WillNeed, null, null)]
    [InlineData(MemoryAdvice.DontNeed, null, null)]
    [InlineData(MemoryAdvice.HugePages, "hg", MemoryAdvice.NoHugePages)]
    [InlineData(MemoryAdvice.NoHugePages, "nh", MemoryAdvice.HugePages)]
    [InlineData(MemoryAdvice.Cold, null, null)]
    [InlineData(MemoryAdvice.PageOut, null, null)]
    [InlineData(MemoryAdvice.DontDump, "dd", MemoryAdvice.DoDump)]
    [InlineData(MemoryAdvice.DoDump, null, null)]
    [InlineData(MemoryAdvice.DontFork, "dc", MemoryAdvice.DoFork)]
    [InlineData(MemoryAdvice.DoFork, null, null)]
    [Rule("advise.all")]
    public unsafe void Each_advice_reaches_the_kernel_and_changes_no_byte(MemoryAdvice advice, string? flag, MemoryAdvice? back)
    {
        var platform = new ScriptedPlatform();
        using var memory = Create(platform, 8 * s_page);
        using var mapping = memory.Map();
        mapping.GetSpan().Fill(5);
        var address = (nint)mapping.DangerousGetPointer();
        mapping.Advise(advice, s_page + 1, (2 * s_page) - 2);
        Assert.Equal(1, platform.Calls.Count(call => call == "madvise"));
        if (flag is not null)
        {
            // The whole pages around what was named, and no other.
            Assert.Equal(
                (false, true, true, false),
                (Held.HasFlag(address, flag), Held.HasFlag(address + s_page, flag), Held.HasFlag(address + (2 * s_page), flag), Held.HasFlag(address + (3 * s_page), flag)));
            mapping.Advise(back!.Value, s_page + 1, 1);
            Assert.Equal((false, true), (Held.HasFlag(address + s_page, flag), Held.HasFlag(address + (2 * s_page), flag)));
        }

        Assert.False(mapping.GetReadOnlySpan().ContainsAnyExcept((byte)5));
        mapping.Advise(advice, 0, 0);
        mapping.Advise(advice, mapping.Length, 0);
    }

    [Fact]
    [Rule("advise.all")]
    public void Advice_that_the_system_does_not_know_is_not_supported()
    {
        var platform = new ScriptedPlatform();
        using var memory = Create(platform, s_page);
        using var mapping = memory.Map();
        platform.Arm("madvise", Errno.EINVAL);
        Assert.Throws<PlatformNotSupportedException>(() => mapping.Advise(MemoryAdvice.Cold, 0, s_page));
        platform.Arm("madvise", Errno.ENOMEM);
        Assert.Equal(Errno.ENOMEM, Assert.Throws<SharedMemoryException>(() => mapping.Advise(MemoryAdvice.WillNeed, 0, s_page)).Errno);
        Assert.Throws<ArgumentOutOfRangeException>(() => mapping.Advise((MemoryAdvice)99, 0, s_page));
        Assert.Throws<ArgumentOutOfRangeException>(() => mapping.Advise(MemoryAdvice.Cold, 1, s_page));
        Assert.Throws<ArgumentOutOfRangeException>(() => mapping.Flush(-1, 1));
    }

    /// <remarks>That the bytes outlive a loss of power cannot be tested; that <c>msync</c> is called with the range, and what it says is heard, can.</remarks>
    [Fact]
    [Rule("flush.range")]
    public void Flush_hands_the_pages_to_the_kernel_and_reports_its_errors()
    {
        var platform = new ScriptedPlatform();
        using var memory = Create(platform, 4 * s_page);
        using var mapping = memory.Map(10, 3 * s_page);
        mapping.Flush(0, mapping.Length);
        mapping.Flush(s_page, 1);
        mapping.Flush(mapping.Length, 0);
        Assert.Equal(3, platform.Calls.Count(call => call == "msync"));
        foreach (var errno in (Errno[])[Errno.EIO, Errno.ENOMEM])
        {
            platform.Arm("msync", errno);
            var error = Assert.Throws<SharedMemoryException>(() => mapping.Flush(0, 1));
            Assert.Equal((errno, "msync"), (error.Errno, error.Operation));
        }
    }

    [Fact]
    [Rule("pin.limit")]
    public unsafe void LockInMemory_keeps_the_pages_in_memory_until_UnlockFromMemory()
    {
        using var memory = SharedMemoryObject.CreateUnpublished(4 * s_page, new() { Backing = Backing.Sparse });
        using var mapping = memory.Map(s_page + 1);
        var address = (nint)mapping.DangerousGetPointer();
        mapping.LockInMemory();
        Assert.Equal((true, 3L * s_page / 1024), (Held.HasFlag(address, "lo"), Held.Kibibytes(Held.RangeAt(address), "Locked")));
        Assert.Equal(3L * s_page, memory.GetStatus().AllocatedBytes);
        mapping.UnlockFromMemory();
        Assert.False(Held.HasFlag(address, "lo"));
    }

    [SkippableFact]
    [Rule("pin.limit")]
    public void LockInMemory_past_the_limit_is_an_error()
    {
        const int Limit = 64 << 10;
        using var name = new TemporaryName();
        using var large = SharedMemoryObject.Create(name, 4 * Limit, new() { Permissions = (UnixFileMode)Convert.ToInt32("666", 8) });
        using var copy = new ReadableCopy();
        // Root has no limit: there the peer runs as somebody else.
        string[] user = Environment.UserName == "root" ? ["setpriv", $"--reuid={Privileged.Stranger}", $"--regid={Privileged.Stranger}", "--clear-groups"] : [];
        Skip.If(user.Length > 0 && Privileged.StrangerObstacle is not null, Privileged.StrangerObstacle);
        string[] command = ["prlimit", string.Create(CultureInfo.InvariantCulture, $"--memlock={Limit}:{Limit}"), .. user, copy.Program, "map-lock", name];
        using (var peer = Peer.Run(command[0], command[1..]))
        {
            Assert.Matches("^(ENOMEM|EPERM)$", peer.ReadLine());
            Assert.Equal(0, peer.Finish().ExitCode);
        }

        large.SetLength(s_page);
        using (var peer = Peer.Run(command[0], command[1..]))
        {
            Assert.Equal("locked", peer.ReadLine());
            Assert.Equal(0, peer.Finish().ExitCode);
        }
    }

    [Fact]
    [Rule("map.disposed")]
    public void A_mapping_that_one_thread_disposes_while_another_protects_it_is_disposed()
    {
        const int MostRounds = 5000;
        var enough = Environment.TickCount64 + 3000;
        using var memory = SharedMemoryObject.CreateUnpublished(s_page);
        var random = new Random(1);
        MemoryMapping? shared = null;
        var isOver = false;
        var disposing = new Thread(() =>
        {
            for (var wait = default(SpinWait); !Volatile.Read(ref isOver); wait.SpinOnce(sleep1Threshold: -1))
            {
                // The next one comes at once: to sleep would take longer than what is raced with.
                if (Volatile.Read(ref shared) is { } mapping)
                {
                    Thread.SpinWait(random.Next(150));
                    mapping.Dispose();
                    Volatile.Write(ref shared, null);
                    wait.Reset();
                }
            }
        });
        disposing.Start();
        var handedOut = 0;
        try
        {
            for (var round = 0; round < MostRounds && Environment.TickCount64 < enough; round++)
            {
                var mapping = memory.Map();
                Volatile.Write(ref shared, mapping);
                _ = Record.Exception(() => mapping.Protect(FileAccess.ReadWrite));
                for (var wait = default(SpinWait); Volatile.Read(ref shared) is not null; wait.SpinOnce(sleep1Threshold: -1))
                {
                    // So does the end.
                }

                handedOut += Record.Exception(() => mapping.GetSpan().Length) is ObjectDisposedException ? 0 : 1;
            }
        }
        finally
        {
            Volatile.Write(ref isOver, true);
            disposing.Join();
        }

        Assert.Equal(0, handedOut);
    }

    [Fact]
    [Rule("protect.back")]
    public unsafe void Protect_makes_read_only_and_writable_again()
    {
        using var memory = SharedMemoryObject.CreateUnpublished(4 * s_page);
        using var mapping = memory.Map(s_page + 5, s_page);
        var address = (nint)mapping.DangerousGetPointer();
        mapping.Protect(FileAccess.Read);
        Assert.Equal((FileAccess.Read, false), (mapping.Access, Held.HasFlag(address, "wr")));
        Assert.Throws<InvalidOperationException>(() => mapping.GetSpan());
        Assert.Throws<InvalidOperationException>(() => mapping.GetReference<byte>(0));
        Assert.Throws<InvalidOperationException>(() => mapping.TryWrite(0, [1]));
        mapping.Protect(FileAccess.ReadWrite);
        mapping.GetSpan().Fill(1);
        Assert.Equal(FileAccess.ReadWrite, mapping.Access);
        Assert.Throws<ArgumentException>(() => mapping.Protect(FileAccess.Write));
        Assert.Throws<ArgumentException>(() => mapping.Protect(0));
    }

    [Fact]
    [Rule("protect.back")]
    public void An_object_opened_for_reading_stays_read_only()
    {
        using var name = new TemporaryName();
        using var writer = SharedMemoryObject.Create(name, s_page);
        using var memory = SharedMemoryObject.Open(name, FileMode.Open, FileAccess.Read);
        using var shared = memory.Map();
        Assert.Equal(Errno.EACCES, Assert.Throws<SharedMemoryException>(() => shared.Protect(FileAccess.ReadWrite)).Errno);
        Assert.Equal(FileAccess.Read, shared.Access);
        Assert.Throws<InvalidOperationException>(() => shared.GetSpan());
        using var copy = memory.Map(new() { Private = true });
        copy.Protect(FileAccess.ReadWrite);
        copy.GetSpan().Fill(1);
        Assert.Equal(0, shared.GetReadOnlySpan()[0]);
    }

    private static SharedMemoryObject Create(Platform platform, long length)
    {
        using (Platform.Substitute(platform))
        {
            return SharedMemoryObject.CreateUnpublished(length, new() { Backing = Backing.Sparse });
        }
    }
}
