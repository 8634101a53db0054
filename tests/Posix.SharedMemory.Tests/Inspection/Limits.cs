using System.Globalization;
using Posix.SharedMemory.Interop;

namespace Posix.SharedMemory.Tests.Inspection;

/// <summary>Whether a request fits into memory, where some sources say nothing and others say too little.</summary>
public sealed class Limits : IDisposable
{
    private const long Mebi = 1 << 20;

    private readonly string _root = Directory.CreateTempSubdirectory("limits").FullName;

    [Theory]
    [InlineData("MemAvailable: 100 kB\nSwapFree: 50 kB\n", 10, 0, 150)]
    [InlineData("MemAvailable: 100 kB\n", 10, 0, 100)]
    [InlineData("MemAvailable: 100 kB\nSwapFree: 0 kB\n", 300, 7, 307)]
    [InlineData("MemFree: 1 kB\n", 10, 0, 900)]
    [InlineData("", 10, 5, 905)]
    [InlineData(null, 10, 5, 905)]
    [InlineData(null, 1000, 0, 1000)]
    [Rule("length.memory")]
    public void Each_source_that_can_be_read_counts(string? meminfo, int free, int freeSwap, int expected)
    {
        if (meminfo is not null)
        {
            Write("/proc/meminfo", meminfo);
        }

        var counters = new LinuxSysinfo { totalram = 1000, sharedram = 100, freeram = (ulong)free, freeswap = (ulong)freeSwap, mem_unit = 1024 };
        Assert.Equal(expected * 1024, LinuxMemory.MostOfMachine(counters, hasCounters: true, _root, out _));
    }

    [Fact]
    [Rule("length.memory")]
    public void Memory_nodes_count_where_proc_shows_only_processes()
    {
        Assert.Null(LinuxMemory.MostOfMachine(default, hasCounters: false, _root, out _));
        Write("/sys/devices/system/node/node0/meminfo", "\nNode 0 MemTotal: 900 kB\nNode 0 MemFree:   100 kB\nNode 0 Active(file):   20 kB\nNode 0 Inactive(file):   3 kB\nNode 0 SReclaimable: 4 kB\n");
        Write("/sys/devices/system/node/node12/meminfo", "Node 12 MemFree: 1000 kB\n");
        Assert.Equal(1127 * 1024, LinuxMemory.MostOfMachine(default, hasCounters: false, _root, out _));
    }

    [Fact]
    [Rule("length.memory")]
    public void Memory_nodes_count_beside_a_meminfo_that_is_not_the_kernels_own()
    {
        Write("/proc/meminfo", "MemAvailable: 100 kB\nSwapFree: 50 kB\n");
        Write("/sys/devices/system/node/node0/meminfo", "Node 0 MemFree: 10 kB\nNode 0 Inactive(file):   700 kB\n");
        Assert.Equal(760 * 1024, LinuxMemory.MostOfMachine(default, hasCounters: false, _root, out _));
        Write("/proc/meminfo", "MemAvailable: 900 kB\n");
        Assert.Equal(900 * 1024, LinuxMemory.MostOfMachine(default, hasCounters: false, _root, out _));

        // Where it is the kernel's own, its estimate is closer than its nodes, which count what it keeps in reserve.
        Assert.False(LinuxMemory.IsKernels(_root + "/proc/meminfo"));
        Assert.True(LinuxMemory.IsKernels("/proc/self/status"));
    }

    [Fact]
    [Rule("length.memory")]
    public void The_part_of_the_ZFS_cache_above_its_minimum_counts_as_available()
    {
        Write("/proc/meminfo", "MemAvailable: 100 kB\n");
        Write("/proc/spl/kstat/zfs/arcstats", "13 1 0x01 147 39984 1 2\nname                            type data\nc_min                           4    1000\nc_max                           4    9999\nsize                            4    51000\n");
        Assert.Equal(102_400 + 50_000, LinuxMemory.MostOfMachine(default, hasCounters: false, _root, out _));
    }

    [Fact]
    [Rule("length.memory")]
    public void The_counters_of_the_kernel_are_read_without_files()
    {
        Assert.Equal(0, Libc.sysinfo_linux(out var counters));
        Assert.InRange(counters.totalram * counters.mem_unit, 1UL << 20, 1UL << 60);
        Assert.NotNull(LinuxMemory.Shortage(1L << 60, reserve: 0, _root));
        Assert.Null(LinuxMemory.Shortage(1, reserve: 0, _root));
    }

    [SkippableFact]
    [Rule("length.memory")]
    public void A_limit_is_known_although_meminfo_is_hidden()
    {
        using var group = Group(150 * Mebi);
        using var peer = group.StartLine(
            $"unshare -mpf sh -c 'mount -t tmpfs -o size=2g tmpfs /dev/shm && mount -t proc -o subset=pid proc /proc && test ! -e /proc/meminfo && exec {Peer.Program} act'");
        Assert.StartsWith("ENOMEM fallocate", peer.Ask($"create x {400 * Mebi}"), StringComparison.Ordinal);
        Assert.Equal("ok", peer.Ask($"create x {50 * Mebi}"));
        Assert.Equal(0, peer.Finish().ExitCode);
    }

    [SkippableFact]
    [Rule("length.memory")]
    public void A_limit_is_known_although_proc_does_not_say_which_group_this_is()
    {
        using var group = Group(150 * Mebi);
        var (directory, point) = group.Places;
        using var peer = group.StartLine(
            $"unshare --mount --propagation private sh -c 'mount -t tmpfs -o size=2g tmpfs /dev/shm && mount --bind {directory} {point} && mount --bind /proc/$$/mem /proc/$$/cgroup && ! cat /proc/$$/cgroup && exec {Peer.Program} act'");
        Assert.StartsWith("ENOMEM fallocate", peer.Ask($"create x {400 * Mebi}"), StringComparison.Ordinal);
        Assert.Equal("ok", peer.Ask($"create x {50 * Mebi}"));
        Assert.Equal(0, peer.Finish().ExitCode);
    }

    [SkippableFact]
    [Rule("length.memory")]
    public void Memory_is_measured_on_a_file_system_without_a_size()
    {
        using var group = Group(150 * Mebi);
        using var peer = group.StartLine($"unshare --mount --propagation private sh -c 'mount -t ramfs ramfs /dev/shm && exec {Peer.Program} act'");
        Assert.StartsWith("ENOMEM fallocate", peer.Ask($"create x {400 * Mebi}"), StringComparison.Ordinal);
        Assert.Equal("ok", peer.Ask($"create x {50 * Mebi}"));
        Assert.StartsWith("ENOMEM fallocate", peer.Ask($"set-length {400 * Mebi}"), StringComparison.Ordinal);
        Assert.Equal(0, peer.Finish().ExitCode);
    }

    [SkippableFact]
    [Rule("prefault.memory")]
    public void Pages_are_not_brought_in_past_the_limit_of_a_group()
    {
        using var group = Group(150 * Mebi);
        using var name = new TemporaryName();
        using var peer = group.StartLine($"unshare --mount --propagation private sh -c 'mount -t tmpfs -o size=2g tmpfs /dev/shm && exec {Peer.Program} map-prefault {name.Name} {400 * Mebi}'");
        Assert.Equal("ENOMEM kept", peer.ReadLine());
        Assert.Equal(0, peer.Finish().ExitCode);
    }

    [Fact]
    [Rule("prefault.memory")]
    public void Nothing_gets_memory_if_there_is_not_enough_for_all_pages_that_lack_it()
    {
        using var host = new SubstitutedObject(new ScriptedPlatform { AvailableMemory = 1000 }, 8 << 20);
        using var mapping = host.Memory.Map();
        AssertRefused("madvise", mapping.Prefault);
        AssertRefused("mlock", mapping.LockInMemory);
        AssertRefused("madvise", () => host.Memory.Map(new() { Populate = true }));
        Assert.Equal(0, host.Memory.GetStatus().AllocatedBytes);
        // What cannot be counted is left to the kernel, and nothing is needed to let go.
        mapping.UnlockFromMemory();
        mapping.Prefault(0, 500);
        using var copy = host.Memory.Map(0, 8192, new() { Private = true, Populate = true });
        host.Memory.Dispose();
        mapping.Prefault(0, 8192);

        static void AssertRefused(string call, Action act)
        {
            var refusal = Assert.Throws<SharedMemoryException>(act);
            Assert.Equal(Errno.ENOMEM, refusal.Errno);
            Assert.StartsWith(call, refusal.Message, StringComparison.Ordinal);
        }
    }

    [Fact]
    [Rule("length.memory")]
    public void Memory_is_measured_where_the_file_system_is_not_known()
    {
        using var name = new TemporaryName();
        using var platform = Platform.Substitute(new ScriptedPlatform("fstatfs", Errno.EPERM, occurrence: 0));
        // The file system would refuse it too, by ENOSPC.
        var failure = Assert.Throws<SharedMemoryException>(() => SharedMemoryObject.Create(name, 1L << 50));
        Assert.Equal(Errno.ENOMEM, failure.Errno);
        Assert.Contains("MemoryCheck.None", failure.Message, StringComparison.Ordinal);
        using var memory = SharedMemoryObject.Create(name, 1);
        Assert.Equal(Errno.ENOMEM, Assert.Throws<SharedMemoryException>(() => memory.SetLength(1L << 50)).Errno);
    }

    [SkippableFact]
    [Rule("length.memory")]
    public void A_low_estimate_does_not_outweigh_memory_that_is_free()
    {
        Skip.If(Privileged.NamespaceObstacle is not null, Privileged.NamespaceObstacle);
        Assert.Equal(0, Libc.sysinfo_linux(out var counters));
        Skip.If((long)counters.freeram * counters.mem_unit < 500 * Mebi, "This machine has too little free memory.");
        Write("/meminfo", "MemTotal: 1000000 kB\nMemFree: 90000 kB\nMemAvailable: 102400 kB\nSwapFree: 0 kB\n");
        using var peer = Peer.Run(
            "unshare", "--mount", "--propagation", "private", "sh", "-c",
            $"mount -t tmpfs -o size=1g tmpfs /dev/shm && mount --bind {_root}/meminfo /proc/meminfo && exec {Peer.Program} act");
        Assert.Equal("ok", peer.Ask($"create x {150 * Mebi}"));
        Assert.Equal(0, peer.Finish().ExitCode);
    }

    [SkippableFact]
    [Rule("length.memory")]
    public void Cached_names_in_a_limited_group_are_not_taken_for_memory_in_use()
    {
        Skip.IfNot(Installed.Has("python3"), "python3 is not installed.");
        using var directory = TemporaryDirectory.OnDisk();
        Skip.If(directory is null, "There is no disk here whose file system keeps the names of missing files.");
        using var group = Group(200 * Mebi);
        // A name of a missing file takes 192 bytes, or more if it is long.
        var line = string.Create(
            CultureInfo.InvariantCulture,
            $"unshare --mount --propagation private sh -c 'mount -t tmpfs -o size=1g,mode=1777 tmpfs /dev/shm && python3 -c \"import os,sys;[os.access(sys.argv[1]+str(i),0) for i in range(700000)]\" {directory.Path}/missing- && exec {Peer.Program} act'");
        using var peer = group.StartLine(line);
        Assert.Equal("ok", peer.Ask($"create-unpublished {100 * Mebi}"));
        Assert.Equal(0, peer.Finish().ExitCode);
    }

    public void Dispose() => Directory.Delete(_root, recursive: true);

    private static TemporaryControlGroup Group(long limit)
    {
        Skip.If(Privileged.NamespaceObstacle is not null, Privileged.NamespaceObstacle);
        var group = TemporaryControlGroup.TryCreate(limit, out var obstacle);
        Skip.If(group is null, obstacle);
        return group!;
    }

    private void Write(string path, string text)
    {
        Directory.CreateDirectory(Path.GetDirectoryName(_root + path)!);
        File.WriteAllText(_root + path, text);
    }
}
