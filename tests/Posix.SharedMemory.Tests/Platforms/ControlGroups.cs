namespace Posix.SharedMemory.Tests.Platforms;

/// <summary>What the files of control groups say, in a directory that stands for the root.</summary>
[Rule("directory.limit")]
public sealed class ControlGroups : IDisposable
{
    private const string Unlimited1 = "9223372036854771712\n";

    private readonly string _root = Directory.CreateTempSubdirectory("groups").FullName;

    [Fact]
    public void The_smallest_limit_up_to_the_root_counts()
    {
        Write("/proc/self/cgroup", "0::/a/b\n");
        WriteUnified("/a/b", "max\n", 10);
        WriteUnified("/a", "5000\n", 2000);
        WriteUnified("", "9000\n", 8500);
        Assert.Equal(new MemoryLimit(5000, 2000), LinuxControlGroup.Smallest(_root));
        // Not the smallest limit, but the one that leaves least.
        Assert.Equal(500, LinuxControlGroup.Available(freeSwap: 0, _root));
    }

    [Fact]
    public void In_a_container_the_path_may_be_one_outside()
    {
        Write("/proc/self/cgroup", "0::/system.slice/docker-1234.scope\n");
        WriteUnified("", "5000\n", 2000);
        Assert.Equal(new MemoryLimit(5000, 2000), LinuxControlGroup.Smallest(_root));
        Assert.Equal(3000, LinuxControlGroup.Available(freeSwap: 0, _root));
    }

    [Theory]
    [InlineData("3:cpu,cpuacct:/other\n2:cpuset,memory:/a/b\n")]
    [InlineData("2:memory:/a/b\n1:name=systemd:/other\n0::/other\n")]
    public void Version_1_has_its_own_files(string groups)
    {
        Write("/proc/self/cgroup", groups);
        Write1("/a/b", "5000\n", 2000);
        Write1("/a", Unlimited1, 4000);
        Write1("", Unlimited1, 8000);
        Assert.Equal(new MemoryLimit(5000, 2000), LinuxControlGroup.Smallest(_root));
        Assert.Equal(3000, LinuxControlGroup.Available(freeSwap: 0, _root));
    }

    [Theory]
    [InlineData("0::/a\n", "max\n")]
    [InlineData("2:memory:/a\n", Unlimited1)]
    [InlineData("0::/a\n", "much\n")]
    [InlineData("0::/a\n", "-1\n")]
    [InlineData("0::/a\n", "99999999999999999999999\n")]
    [InlineData("0::/a\n", "")]
    [InlineData("nonsense\n", "5000\n")]
    [InlineData("7:devices:/a\n", "5000\n")]
    [InlineData("", "5000\n")]
    public void What_is_no_limit_limits_nothing(string groups, string limit)
    {
        Write("/proc/self/cgroup", groups);
        WriteUnified("/a", limit, 10);
        Write1("/a", limit, 10);
        Assert.Null(LinuxControlGroup.Smallest(_root));
        Assert.Null(LinuxControlGroup.Available(freeSwap: 0, _root));
    }

    [Fact]
    public void Without_the_files_no_limit_is_known()
    {
        Assert.Null(LinuxControlGroup.Smallest(_root));
        Write("/proc/self/cgroup", "0::/a\n");
        Assert.Null(LinuxControlGroup.Smallest(_root));
        Write("/sys/fs/cgroup/a/memory.max", "5000\n");
        Assert.Null(LinuxControlGroup.Smallest(_root));
        Write("/sys/fs/cgroup/a/memory.current", "2000\n");
        Assert.Equal(5000, LinuxControlGroup.Smallest(_root)?.LimitBytes);
        // How much of it could be dropped is not known: the kernel is the judge.
        Assert.Null(LinuxControlGroup.Available(freeSwap: 0, _root));
    }

    [Theory]
    [InlineData("file 900\nshmem 300\n", 0, null, 3600)]
    [InlineData("anon 1\nfile 300\nshmem 900\n", 0, null, 3000)]
    [InlineData("", 700, null, 3700)]
    [InlineData("", 700, "max\n", 3700)]
    [InlineData("", 700, "500\n", 3400)]
    [InlineData("", 300, "500\n", 3300)]
    [InlineData("", 300, "0\n", 3000)]
    public void Files_can_be_dropped_and_memory_swapped(string stat, long freeSwap, string? swapLimit, long left)
    {
        Write("/proc/self/cgroup", "0::/a\n");
        WriteUnified("/a", "5000\n", 2000, stat);
        if (swapLimit is not null)
        {
            Write("/sys/fs/cgroup/a/memory.swap.max", swapLimit);
            Write("/sys/fs/cgroup/a/memory.swap.current", "100\n");
        }

        Assert.Equal(left, LinuxControlGroup.Available(freeSwap, _root));
    }

    [Theory]
    [InlineData("total_cache 900\ntotal_shmem 300\n", 0, null, 3600)]
    [InlineData("cache 9\ntotal_cache 300\ntotal_shmem 900\n", 700, null, 3700)]
    [InlineData("", 700, Unlimited1, 3700)]
    [InlineData("", 700, "5400\n", 3300)]
    [InlineData("", 200, "5400\n", 3200)]
    [InlineData("", 700, "5000\n", 3000)]
    public void Version_1_limits_memory_and_swap_together(string stat, long freeSwap, string? bothLimit, long left)
    {
        Write("/proc/self/cgroup", "1:memory:/a\n");
        Write1("/a", "5000\n", 2000, stat);
        if (bothLimit is not null)
        {
            Write("/sys/fs/cgroup/memory/a/memory.memsw.limit_in_bytes", bothLimit);
            Write("/sys/fs/cgroup/memory/a/memory.memsw.usage_in_bytes", "2100\n");
        }

        Assert.Equal(left, LinuxControlGroup.Available(freeSwap, _root));
    }

    [Fact]
    public void A_group_that_takes_more_than_it_may_has_nothing_left()
    {
        Write("/proc/self/cgroup", "0::/a\n");
        WriteUnified("/a", "2000\n", 5000);
        Assert.Equal(0, LinuxControlGroup.Available(freeSwap: 100, _root));
        Assert.Equal(0, LinuxControlGroup.Smallest(_root)?.AvailableBytes);
    }

    [Fact]
    public void A_file_may_be_longer_than_most()
    {
        Write("/proc/self/cgroup", string.Concat(Enumerable.Range(2, 2000).Select(i => $"{i}:c{i}:/other\n")) + "0::/a\n");
        WriteUnified("/a", "5000\n", 2000);
        Assert.Equal(new MemoryLimit(5000, 2000), LinuxControlGroup.Smallest(_root));
    }

    [Fact]
    public void A_file_that_opens_and_cannot_be_read_says_nothing() => Assert.False(LinuxText.TryRead("/proc/self/mem", out _));

    [Fact]
    public void This_machine_answers()
    {
        var limit = SharedMemoryDirectory.GetMemoryLimit();
        Assert.Equal(LinuxControlGroup.Smallest()?.LimitBytes, limit?.LimitBytes);
        Assert.True(limit is not { } given || (given.LimitBytes > 0 && given.UsedBytes > 0));
    }

    public void Dispose() => Directory.Delete(_root, recursive: true);

    private void WriteUnified(string group, string limit, long used, string stat = "file 0\n")
    {
        Write($"/sys/fs/cgroup{group}/memory.max", limit);
        Write($"/sys/fs/cgroup{group}/memory.current", $"{used}\n");
        Write($"/sys/fs/cgroup{group}/memory.stat", stat);
    }

    private void Write1(string group, string limit, long used, string stat = "total_cache 0\n")
    {
        Write($"/sys/fs/cgroup/memory{group}/memory.limit_in_bytes", limit);
        Write($"/sys/fs/cgroup/memory{group}/memory.usage_in_bytes", $"{used}\n");
        Write($"/sys/fs/cgroup/memory{group}/memory.stat", stat);
    }

    private void Write(string path, string text)
    {
        Directory.CreateDirectory(Path.GetDirectoryName(_root + path)!);
        File.WriteAllText(_root + path, text);
    }
}
