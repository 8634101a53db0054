using System.Globalization;

namespace Posix.SharedMemory.Tests.Faults;

/// <summary>No memory, no room, no descriptors: a tmpfs of its own for a peer, and resource limits put on it while it runs.</summary>
public sealed class RunningOut
{
    [SkippableFact]
    [Rule("length.reserved")]
    [Rule("write.whole")]
    [Rule("directory.usage")]
    public void Throws_ENOSPC_with_the_bytes_asked_and_available_and_goes_on_when_the_tmpfs_is_full()
    {
        Skip.If(Privileged.NamespaceObstacle is not null, Privileged.NamespaceObstacle);
        using var peer = Privileged.StartWithOwnMemory("size=8m", "act");
        Expect(peer, "usage", "ok 8388608 0 8388608");
        ExpectNoRoom(peer, "create big 8388609", 8388609, 8388608);
        Expect(peer, "try-unlink big", "ok 0");
        Expect(peer, "create some 5000001", "ok");
        ExpectNoRoom(peer, "set-length 9000001", 4000000, 3387392);
        Expect(peer, "length", "ok 5000001");
        Expect(peer, "allocated", "ok 5001216");
        Expect(peer, "set-length 9000001 Sparse", "ok");
        ExpectNoRoom(peer, "reserve 0 9000001", 9000001, 3383296);
        Expect(peer, "length", "ok 9000001");
        Expect(peer, "sum", "ok 0");

        // Into the hole: too much for what is left, before a byte of it is stored.
        ExpectNoRoom(peer, "write 4000001 5000000 1", 5000000, 3383296);
        Expect(peer, "sum", "ok 0");
        Expect(peer, "write 5003000 3000001 1", "ok");
        Expect(peer, "sum", "ok 3000001");

        // Small and odd ones, until the very end.
        Expect(peer, "create filler 380928", "ok");
        Expect(peer, "usage", "ok 8388608 8388608 0");
        ExpectNoRoom(peer, "create small 1", 1, 0);
        ExpectNoRoom(peer, "create small 4097 0600", 4097, 0);
        Expect(peer, "create small 4097 Sparse", "ok");
        ExpectNoRoom(peer, "write 4090 7 1", 7, 0);
        Expect(peer, "sum", "ok 0");
        Assert.StartsWith("ENOSPC", Ask(peer, "write 0 1 1"), StringComparison.Ordinal);
        Expect(peer, "sum", "ok 0");
        ExpectNoRoom(peer, "create-unpublished 4096", 4096, 0);
        Expect(peer, "unlink filler", "ok");
        Expect(peer, "write 0 4097 1", "ok");
        Expect(peer, "sum", "ok 4097");
        Assert.Equal(0, peer.Finish().ExitCode);
    }

    [SkippableFact]
    [Rule("region.create")]
    [Rule("region.failed")]
    [Rule("region.resize")]
    public void A_region_on_disk_may_use_the_blocks_reserved_for_root_and_no_more()
    {
        Skip.If(Privileged.NamespaceObstacle is not null, Privileged.NamespaceObstacle);
        using var directory = TemporaryDirectory.InMemory();
        using var peer = Privileged.StartWithOwnDisk(directory, $"region-act '{directory.File()}'");
        Skip.If(peer.ReadLine() == "no disk", "No file system can be made or mounted here for a test.");

        // Of nearly 14 MiB, 7 are for everybody.
        Expect(peer, $"create {12 << 20} OnDispose 0600", "ok");
        Expect(peer, $"resize {20 << 20}", "SharedMemoryException ENOSPC");
        Expect(peer, "length", $"{12 << 20}");
        Expect(peer, $"resize {13 << 20}", "ok");
        Expect(peer, "fill 7", "ok");
        Expect(peer, "sees 7", "yes");
        Expect(peer, "dispose", "ok");
        Expect(peer, $"create {17 << 20} OnDispose 0600", "SharedMemoryException ENOSPC");
        Expect(peer, "attach", "SharedMemoryException ENOENT");
        Assert.Equal(0, peer.Finish().ExitCode);
    }

    [SkippableFact]
    [Rule("length.reserved")]
    [Rule("errors.clean")]
    public void Throws_ENOSPC_and_leaves_nothing_when_the_tmpfs_has_no_inodes_left()
    {
        Skip.If(Privileged.NamespaceObstacle is not null, Privileged.NamespaceObstacle);
        using var peer = Privileged.StartWithOwnMemory("size=8m,nr_inodes=3", "act");
        Expect(peer, "create one 1", "ok");
        Expect(peer, "create two 1", "ok");
        Assert.StartsWith("ENOSPC shm_open(/three): No space left on device (ENOSPC)", Ask(peer, "create three 1"), StringComparison.Ordinal);
        Assert.StartsWith("ENOSPC", Ask(peer, "open-mode three OpenOrCreate"), StringComparison.Ordinal);
        Expect(peer, "try-unlink three", "ok 0");
        Expect(peer, "usage", "ok 8388608 8192 8380416");
        Expect(peer, "unlink two", "ok");
        Expect(peer, "close", "ok");
        Expect(peer, "create three 1", "ok");
        Assert.Equal(0, peer.Finish().ExitCode);
    }

    [SkippableFact]
    [Rule("length.reserved")]
    public void Advises_how_to_make_room_for_an_object_that_is_yet_to_get_its_name()
    {
        Skip.If(Privileged.NamespaceObstacle is not null, Privileged.NamespaceObstacle);
        using var peer = Privileged.StartWithOwnMemory("size=1m", "act");
        var answer = Ask(peer, $"create-unpublished {2 << 20}");
        Assert.StartsWith("ENOSPC fallocate", answer, StringComparison.Ordinal);
        Assert.Contains("docker run --shm-size", answer, StringComparison.Ordinal);
    }

    [SkippableFact]
    [Rule("length.memory")]
    public void Refuses_a_reservation_beyond_the_memory_of_the_machine_where_the_tmpfs_would_take_it()
    {
        Skip.If(Privileged.NamespaceObstacle is not null, Privileged.NamespaceObstacle);
        foreach (var options in new[] { "size=0", "size=1000g" })
        {
            using var peer = Privileged.StartWithOwnMemory(options, "act");
            Expect(peer, "create small 5000", "ok");
            Skip.If(AlmostAllMemory() >= 1000L << 30, "The machine has more memory than the tmpfs of this test: the tmpfs would refuse, not the library.");
            var asked = AlmostAllMemory().ToString(CultureInfo.InvariantCulture);
            foreach (var act in new[] { $"create big {asked}", $"create-unpublished {asked}", $"set-length {asked}" })
            {
                var answer = Ask(peer, act);
                Assert.StartsWith("ENOMEM fallocate", answer, StringComparison.Ordinal);
                Assert.Contains("bytes requested", answer, StringComparison.Ordinal);
            }

            Expect(peer, "length", "ok 5000");
            Expect(peer, $"set-length {asked} Sparse", "ok");
            Assert.StartsWith("ENOMEM fallocate", Ask(peer, $"reserve 0 {asked}"), StringComparison.Ordinal);
            Expect(peer, "allocated", "ok 12288");
            Expect(peer, "try-unlink big", "ok 0");
            Assert.Equal(0, peer.Finish().ExitCode);
        }
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(long.MaxValue)]
    [Rule("length.memory")]
    public void Refuses_at_once_more_memory_than_the_machine_and_the_tmpfs_have(long asked)
    {
        // What can never be free on the machine, what is more than the machine and the tmpfs have in all, and the largest number.
        asked = asked switch
        {
            0 => AlmostAllMemory(),
            1 => Math.Max(AlmostAllMemory(), SharedMemoryDirectory.GetUsage().TotalBytes) + (1L << 30),
            _ => asked,
        };
        using var name = new TemporaryName("huge");
        var exception = Assert.Throws<SharedMemoryException>(() => SharedMemoryObject.Create(name, asked));
        Assert.Contains(exception.Errno, new[] { Errno.ENOMEM, Errno.ENOSPC, Errno.EFBIG });
        Assert.False(name.Exists);
        using var small = SharedMemoryObject.Create(name, 4097);
        Assert.Throws<SharedMemoryException>(() => small.SetLength(asked));
        Assert.Equal(4097, small.Length);
    }

    [SkippableFact]
    [Rule("length.limit")]
    public void Throws_EFBIG_and_lives_beyond_RLIMIT_FSIZE()
    {
        SkipWithoutPrlimit();
        using var name = new TemporaryName("limit");
        using var peer = Peer.Start("act");
        Expect(peer, $"create {name} 5000", "ok");
        Limit(peer, "--fsize=100000");
        foreach (var backing in new[] { "Reserved", "Sparse" })
        {
            var answer = Ask(peer, $"set-length 100001 {backing}");
            Assert.StartsWith("EFBIG", answer, StringComparison.Ordinal);
            Assert.Contains("100001 bytes requested", answer, StringComparison.Ordinal);
            Assert.StartsWith("EFBIG", Ask(peer, $"create {name}-2 100001 {backing}"), StringComparison.Ordinal);
            Expect(peer, $"try-unlink {name}-2", "ok 0");
            Expect(peer, "length", "ok 5000");
        }

        Expect(peer, "set-length 100000", "ok");
        Expect(peer, "write 99999 1 1", "ok");
        Expect(peer, "length", "ok 100000");

        // An object that is longer already may be made shorter, also to a length beyond the limit.
        using (var longer = SharedMemoryObject.Open(name))
        {
            longer.SetLength(300_000);
        }

        Expect(peer, "set-length 200000", "ok");
        Expect(peer, "write 100 5000 1", "ok");
        Assert.Equal(0, peer.Finish().ExitCode);
    }

    [SkippableFact]
    [Rule("length.limit")]
    public void Throws_EFBIG_and_lives_when_a_copy_to_a_file_ends_beyond_RLIMIT_FSIZE()
    {
        SkipWithoutPrlimit();
        using var name = new TemporaryName("limit");
        using var directory = TemporaryDirectory.InMemory();
        using var memory = SharedMemoryObject.Create(name, 300_000);
        var file = directory.File();
        using var peer = Peer.Run("sh", "-c", $"exec '{Peer.Program}' act 9>> '{file}'");
        Expect(peer, $"open {name}", "ok 300000");
        Limit(peer, "--fsize=100000");
        Assert.StartsWith("EFBIG sendfile(", Ask(peer, $"copy-to {file} 100001"), StringComparison.Ordinal);
        // What the limit allows is copied.
        Assert.Equal(100_000, new FileInfo(file).Length);
        Expect(peer, $"copy-to {file} 100000", "ok 100000");
        Expect(peer, $"copy-to {file} 100000", "ok 100000");
        Assert.StartsWith("EFBIG ", Ask(peer, "copy-to-descriptor 9 1"), StringComparison.Ordinal);
        Assert.Equal(100_000, new FileInfo(file).Length);

        // Nothing is never too much, and what is not a file has no limit.
        Assert.True(Native.TryTruncate(file, 200_000));
        Expect(peer, "copy-to-descriptor 9 0", "ok 0");
        Expect(peer, "copy-to /dev/null 300000", "ok 300000");
        Assert.Equal(0, peer.Finish().ExitCode);
    }

    [SkippableFact]
    [Rule("length.limit")]
    public void Throws_EFBIG_and_lives_when_a_write_inside_the_object_ends_beyond_RLIMIT_FSIZE()
    {
        SkipWithoutPrlimit();
        using var name = new TemporaryName("limit");
        using var memory = SharedMemoryObject.Create(name, 300_000);
        using var peer = Peer.Start("act");
        Expect(peer, $"open {name}", "ok 300000");
        Limit(peer, "--fsize=100000");
        foreach (var write in new[] { "write 100000 1 1", "write 200000 5000 1", "write 299999 1 1" })
        {
            var answer = Ask(peer, write);
            Assert.StartsWith("EFBIG pwrite(", answer, StringComparison.Ordinal);
            Assert.Contains("RLIMIT_FSIZE allows this process 100000", answer, StringComparison.Ordinal);
        }

        Expect(peer, "sum", "ok 0");
        Expect(peer, "write 99999 1 1", "ok");
        Expect(peer, "sum", "ok 1");
        // What the limit allows is written.
        Assert.StartsWith("EFBIG pwrite(", Ask(peer, "write 99998 3 1"), StringComparison.Ordinal);
        Expect(peer, "sum", "ok 2");
        Assert.Equal(0, peer.Finish().ExitCode);
    }

    [SkippableFact]
    [Rule("create.once")]
    public void Of_two_hundred_creators_with_memory_for_a_few_one_succeeds_and_the_others_learn_that_the_name_is_taken()
    {
        Skip.If(Privileged.NamespaceObstacle is not null, Privileged.NamespaceObstacle);
        const int Creators = 200, Rounds = 10;
        using var peer = Privileged.StartWithOwnMemory("size=64m", $"race-create taken {Creators} {Rounds} {1 << 20}");
        Assert.Equal("ready", peer.ReadLine());
        peer.Tell("go");
        Assert.Equal($"{Rounds} {(Creators - 1) * Rounds}", peer.ReadLine());
        Assert.Equal(0, peer.Finish().ExitCode);
    }

    [SkippableFact]
    [Rule("errors.unsupported")]
    public void Works_or_says_what_to_use_instead_where_proc_is_not_mounted()
    {
        Skip.If(Privileged.NamespaceObstacle is not null, Privileged.NamespaceObstacle);
        Skip.IfNot(Installed.Has("nsenter"), "nsenter is not installed: /proc cannot be hidden from a running process.");
        using var peer = Privileged.StartWithOwnMemory("size=8m", "act");
        Expect(peer, "create before 5000", "ok");
        using (var hiding = Peer.Run("nsenter", $"--target={peer.ProcessId}", "--mount", "mount", "-t", "tmpfs", "tmpfs", "/proc"))
        {
            var (exitCode, _, errors) = hiding.Finish();
            Assert.True(exitCode == 0, errors);
        }

        Assert.StartsWith("PlatformNotSupportedException", Ask(peer, "holders before"), StringComparison.Ordinal);
        foreach (var act in new[] { "create after 5000", "open-or-create another 5000" })
        {
            // From Linux 6.10 on a file gets its name without /proc.
            var answer = Ask(peer, act);
            Assert.True(
                answer.StartsWith("ok", StringComparison.Ordinal)
                || (answer.StartsWith("PlatformNotSupportedException", StringComparison.Ordinal) && answer.Contains("FileMode.CreateNew", StringComparison.Ordinal)),
                answer);
        }

        // The advice holds, and what needs no /proc goes on.
        Expect(peer, "open-mode advised CreateNew", "ok 0");
        Expect(peer, "set-length 5000", "ok");
        Expect(peer, "write 0 5000 1", "ok");
        Expect(peer, "set-length 9001", "ok");
        Expect(peer, "sum", "ok 5000");
        Expect(peer, "map", "ok");
        Expect(peer, "rename advised renamed NoReplace", "ok");
        Expect(peer, "open renamed", "ok 9001");
        Expect(peer, "unlink renamed", "ok");
        Assert.Equal(0, peer.Finish().ExitCode);
    }

    [SkippableFact]
    [Rule("errors.clean")]
    public void Throws_EMFILE_and_leaves_nothing_when_there_is_no_descriptor_left()
    {
        SkipWithoutPrlimit();
        using var name = new TemporaryName("limit");
        using var peer = Peer.Start("act");
        Expect(peer, $"create {name} 5000", "ok");
        Assert.StartsWith("ok ", Ask(peer, $"holders {name}"), StringComparison.Ordinal);
        var open = Directory.EnumerateFileSystemEntries($"/proc/{peer.ProcessId}/fd").Select(path => int.Parse(Path.GetFileName(path), CultureInfo.InvariantCulture)).ToHashSet();

        // One below the first that is free: nothing more can be opened.
        var firstFree = Enumerable.Range(0, 10_000).First(number => !open.Contains(number));
        Limit(peer, $"--nofile={firstFree}:");
        foreach (var act in new[] { $"open {name}", $"create {name}-2 10", $"open-or-create {name}-2 10", "create-unpublished 10", $"open-mode {name}-2 OpenOrCreate", $"holders {name}" })
        {
            Assert.StartsWith("EMFILE", Ask(peer, act), StringComparison.Ordinal);
        }

        Expect(peer, $"try-unlink {name}-2", "ok 0");
        Expect(peer, "set-length 9001", "ok");
        Expect(peer, "length", "ok 9001");
        Expect(peer, "write 0 5000 1", "ok");
        Limit(peer, "--nofile=1000:");
        Expect(peer, "set-length 9003", "ok");
        Expect(peer, "sum", "ok 5000");
        Assert.Equal(0, peer.Finish().ExitCode);
    }

    /// <summary>More than can be free while this program runs, however much others give back meanwhile; and less than the machine has.</summary>
    private static long AlmostAllMemory() =>
        (File.ReadLines("/proc/meminfo")
            .Where(line => line.StartsWith("MemTotal:", StringComparison.Ordinal) || line.StartsWith("SwapTotal:", StringComparison.Ordinal))
            .Sum(line => long.Parse(line.Split(' ', StringSplitOptions.RemoveEmptyEntries)[1], CultureInfo.InvariantCulture)) * 1024) - (64 << 20);

    private static void ExpectNoRoom(Peer peer, string act, long asked, long available)
    {
        var answer = Ask(peer, act);
        Assert.StartsWith("ENOSPC fallocate", answer, StringComparison.Ordinal);
        Assert.Contains($"{asked} bytes requested, {available} bytes available in", answer, StringComparison.Ordinal);
    }

    private static void Expect(Peer peer, string act, string answer) => Assert.Equal((act, answer), (act, Ask(peer, act)));

    private static string Ask(Peer peer, string act)
    {
        peer.Tell(act);
        return peer.ReadLine();
    }

    private static void SkipWithoutPrlimit() => Skip.IfNot(Installed.Has("prlimit"), "prlimit is not installed: no limit can be put on a running process.");

    private static void Limit(Peer peer, string limit)
    {
        using var prlimit = Peer.Run("prlimit", $"--pid={peer.ProcessId}", limit);
        var (exitCode, _, errors) = prlimit.Finish();
        Assert.True(exitCode == 0, errors);
    }
}
