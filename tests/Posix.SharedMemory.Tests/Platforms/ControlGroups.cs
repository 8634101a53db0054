namespace Posix.SharedMemory.Tests.Platforms;

/// <summary>What the files of control groups say, in a directory that stands for the root.</summary>
[Rule("directory.limit")]
public sealed class ControlGroups : IDisposable
{
    private const string Unlimited1 = "9223372036854771712\n";

    // Statistics of a group in which nothing could be reclaimed.
    private const string Nothing = "inactive_file 0\nactive_file 0\n", Nothing1 = "total_cache 0\ntotal_rss 2000\ntotal_inactive_file 0\ntotal_active_file 0\n";

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
        Assert.Equal(500, LinuxControlGroup.Most(freeSwap: 0, _root));
    }

    [Fact]
    public void A_path_that_the_container_cannot_see_leads_to_its_own_group()
    {
        Write("/proc/self/cgroup", "0::/system.slice/docker-1234.scope\n");
        WriteUnified("", "5000\n", 2000);
        Assert.Equal(new MemoryLimit(5000, 2000), LinuxControlGroup.Smallest(_root));
        Assert.Equal(3000, LinuxControlGroup.Most(freeSwap: 0, _root));
    }

    [Theory]
    [InlineData("3:cpu,cpuacct:/other\n2:cpuset,memory:/a/b\n")]
    [InlineData("2:memory:/a/b\n1:name=systemd:/other\n0::/other\n")]
    public void Version_1_is_read_from_its_own_files(string groups)
    {
        Write("/proc/self/cgroup", groups);
        Write1("/a/b", "5000\n", 2000);
        Write1("/a", Unlimited1, 4000);
        Write1("", Unlimited1, 8000);
        Assert.Equal(new MemoryLimit(5000, 2000), LinuxControlGroup.Smallest(_root));
        Assert.Equal(3000, LinuxControlGroup.Most(freeSwap: 0, _root));
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
    public void A_value_that_is_not_a_limit_limits_nothing(string groups, string limit)
    {
        Write("/proc/self/cgroup", groups);
        WriteUnified("/a", limit, 10);
        Write1("/a", limit, 10);
        Assert.Null(LinuxControlGroup.Smallest(_root));
        Assert.Null(LinuxControlGroup.Most(freeSwap: 0, _root));
    }

    [Fact]
    public void Without_the_files_no_limit_is_known()
    {
        Assert.Null(LinuxControlGroup.Smallest(_root));
        Write("/proc/self/cgroup", "0::/a\n");
        Assert.Null(LinuxControlGroup.Smallest(_root));
        Write("/sys/fs/cgroup/a/memory.max", "5000\n");
        // A limit counts also where it is not known how much of it is used: more than all of it never fits.
        Assert.Equal(new MemoryLimit(5000, 0), LinuxControlGroup.Smallest(_root));
        Assert.Equal(5000, LinuxControlGroup.Most(freeSwap: 0, _root));
        Write("/sys/fs/cgroup/a/memory.current", "2000\n");
        Assert.Equal(new MemoryLimit(5000, 2000), LinuxControlGroup.Smallest(_root));
        // How much of what is used could be reclaimed is not known: up to the limit itself, the kernel decides.
        Assert.Equal(5000, LinuxControlGroup.Most(freeSwap: 0, _root));
    }

    [Theory]
    [InlineData("file 1000\nshmem 300\ninactive_file 500\nactive_file 100\n", 0, null, 3600)]
    [InlineData("anon 1\nfile 900\nshmem 900\ninactive_file 0\nactive_file 0\n", 0, null, 3000)]
    [InlineData("inactive_file 0\nactive_file 100\nslab_reclaimable 800\nslab_unreclaimable 50\n", 0, null, 3900)]
    [InlineData("inactive_file 1900\nactive_file 0\nslab_reclaimable 1900\n", 0, null, 5000)]
    [InlineData(Nothing, 700, null, 3700)]
    [InlineData(Nothing, 700, "max\n", 3700)]
    [InlineData(Nothing, 700, "500\n", 3400)]
    [InlineData(Nothing, 300, "500\n", 3300)]
    [InlineData(Nothing, 300, "0\n", 3000)]
    [InlineData("", 0, null, 5000)]
    public void Pages_of_files_and_caches_are_reclaimable_and_memory_can_be_swapped(string stat, long freeSwap, string? swapLimit, long left)
    {
        Write("/proc/self/cgroup", "0::/a\n");
        WriteUnified("/a", "5000\n", 2000, stat);
        if (swapLimit is not null)
        {
            Write("/sys/fs/cgroup/a/memory.swap.max", swapLimit);
            Write("/sys/fs/cgroup/a/memory.swap.current", "100\n");
        }

        Assert.Equal(left, LinuxControlGroup.Most(freeSwap, _root));
    }

    [Theory]
    [InlineData("total_cache 900\ntotal_shmem 300\ntotal_rss 1100\ntotal_inactive_file 500\ntotal_active_file 100\n", 0, null, 3600)]
    [InlineData("active_file 9\ntotal_cache 2000\ntotal_shmem 900\ntotal_inactive_file 0\ntotal_active_file 0\n", 700, null, 3700)]
    [InlineData(Nothing1, 700, Unlimited1, 3700)]
    [InlineData(Nothing1, 700, "5400\n", 3300)]
    [InlineData(Nothing1, 200, "5400\n", 3200)]
    [InlineData(Nothing1, 700, "5000\n", 3000)]
    public void Version_1_limits_memory_and_swap_together(string stat, long freeSwap, string? bothLimit, long left)
    {
        Write("/proc/self/cgroup", "1:memory:/a\n");
        Write1("/a", "5000\n", 2000, stat);
        if (bothLimit is not null)
        {
            Write("/sys/fs/cgroup/memory/a/memory.memsw.limit_in_bytes", bothLimit);
            Write("/sys/fs/cgroup/memory/a/memory.memsw.usage_in_bytes", "2100\n");
        }

        Assert.Equal(left, LinuxControlGroup.Most(freeSwap, _root));
    }

    [Theory]
    [InlineData("max\n", "3000\n", 3000, 1000)]
    [InlineData("5000\n", "3000\n", 3000, 1000)]
    [InlineData("3000\n", "5000\n", 3000, 1000)]
    [InlineData("3000\n", "max\n", 3000, 1000)]
    public void A_limit_that_slows_processes_to_a_standstill_counts_too(string max, string high, long limit, long left)
    {
        Write("/proc/self/cgroup", "0::/a\n");
        WriteUnified("/a", max, 2000);
        Write("/sys/fs/cgroup/a/memory.high", high);
        Assert.Equal(new MemoryLimit(limit, 2000), LinuxControlGroup.Smallest(_root));
        Assert.Equal(left, LinuxControlGroup.Most(freeSwap: 0, _root));
    }

    [Theory]
    [InlineData("total_cache 1000000\ntotal_rss 2000000\ntotal_inactive_file 600000\ntotal_active_file 400000\n", null, 43_805_696)]
    [InlineData("total_cache 1000000\ntotal_rss 2000000\ntotal_inactive_file 600000\ntotal_active_file 400000\n", "9000000\n", 35_805_696)]
    [InlineData("total_cache 1000000\ntotal_rss 2000000\ntotal_inactive_file 600000\ntotal_active_file 400000\n", "700000\n", 31_000_000)]
    [InlineData("total_cache 90000000\ntotal_rss 2000000\ntotal_inactive_file 600000\ntotal_active_file 400000\n", null, 31_000_000)]
    [InlineData("total_cache 0\ntotal_rss 0\ntotal_inactive_file 19000000\ntotal_active_file 19000000\n", "20000000\n", 50_000_000)]
    public void Version_1_does_not_say_how_much_of_the_kernels_memory_is_reclaimable_so_only_4_MiB_of_it_count_as_lost(string stat, string? kernel, long left)
    {
        Write("/proc/self/cgroup", "1:memory:/a\n");
        Write1("/a", "50000000\n", 20_000_000, stat);
        if (kernel is not null)
        {
            Write("/sys/fs/cgroup/memory/a/memory.kmem.usage_in_bytes", kernel);
        }

        Assert.Equal(left, LinuxControlGroup.Most(freeSwap: 0, _root));
    }

    [Fact]
    public void Version_1_reports_the_limit_of_groups_that_a_container_does_not_show()
    {
        Write("/proc/self/cgroup", "1:memory:/docker/1234\n");
        Write1("", Unlimited1, 2000, Nothing1 + "hierarchical_memory_limit 5000\n");
        Assert.Equal(new MemoryLimit(5000, 2000), LinuxControlGroup.Smallest(_root));
        Assert.Equal(3000, LinuxControlGroup.Most(freeSwap: 0, _root));
        Write1("", Unlimited1, 2000, Nothing1 + "hierarchical_memory_limit 9223372036854771712\n");
        Assert.Null(LinuxControlGroup.Smallest(_root));
    }

    [Theory]
    [InlineData("35 31 0:32 /docker/1234 /groups/memory rw,relatime - cgroup cgroup rw,memory", "2:memory:/docker/1234/sub", false)]
    [InlineData("35 31 0:32 / /groups/memory rw shared:1 - cgroup cgroup rw,cpu,memory", "2:cpu,memory:/sub", false)]
    [InlineData("35 31 0:32 / /groups\\040here rw - cgroup2 cgroup2 rw,nsdelegate", "0::/sub", true)]
    [InlineData("35 31 0:32 /docker /groups/all rw - cgroup2 - rw", "0::/docker/sub", true)]
    public void Groups_are_searched_where_they_are_mounted(string mount, string group, bool isUnified)
    {
        Write("/proc/self/mountinfo", $"23 1 8:1 / / rw - ext4 /dev/root rw\n34 31 0:31 / /groups/cpuset rw - cgroup cgroup rw,cpuset\nnonsense\n{mount}\n");
        Write("/proc/self/cgroup", group + "\n");
        var point = mount.Split(' ')[4].Replace("\\040", " ", StringComparison.Ordinal);
        Write($"{point}/sub/{(isUnified ? "memory.max" : "memory.limit_in_bytes")}", "5000\n");
        Write($"{point}/sub/{(isUnified ? "memory.current" : "memory.usage_in_bytes")}", "2000\n");
        Write($"{point}/{(isUnified ? "memory.max" : "memory.limit_in_bytes")}", "7000\n");
        Assert.Equal(new MemoryLimit(5000, 2000), LinuxControlGroup.Smallest(_root));
        Write($"{point}/sub/{(isUnified ? "memory.max" : "memory.limit_in_bytes")}", "max\n");
        Assert.Equal(7000, LinuxControlGroup.Most(freeSwap: 0, _root));
    }

    [Fact]
    public void A_control_group_over_its_limit_has_nothing_left()
    {
        Write("/proc/self/cgroup", "0::/a\n");
        WriteUnified("/a", "2000\n", 5000);
        Assert.Equal(0, LinuxControlGroup.Most(freeSwap: 100, _root));
        Assert.Equal(0, LinuxControlGroup.Smallest(_root)?.AvailableBytes);
    }

    [Theory]
    [InlineData(null, "", true)]
    [InlineData(null, "/memory", false)]
    [InlineData("35 31 0:32 /docker/1234 /groups/memory rw - cgroup cgroup rw,memory", "/groups/memory", false)]
    [InlineData("35 31 0:32 / /groups\\040here/ rw - cgroup2 cgroup2 rw", "/groups here", true)]
    public void The_groups_that_are_mounted_count_where_proc_does_not_say_which_this_process_is_in(string? mount, string point, bool isUnified)
    {
        if (mount is not null)
        {
            Write("/proc/self/mountinfo", mount + "\n");
        }

        var directory = mount is null ? "/sys/fs/cgroup" + point : point;
        Assert.Null(LinuxControlGroup.Smallest(_root));
        Write($"{directory}/{(isUnified ? "memory.max" : "memory.limit_in_bytes")}", "5000\n");
        Write($"{directory}/{(isUnified ? "memory.current" : "memory.usage_in_bytes")}", "2000\n");
        Write($"{directory}/memory.stat", isUnified ? Nothing : Nothing1);
        Assert.Equal(new MemoryLimit(5000, 2000), LinuxControlGroup.Smallest(_root));
        Assert.Equal(3000, LinuxControlGroup.Most(freeSwap: 0, _root));
    }

    [Fact]
    public void An_unusually_long_file_is_read_completely()
    {
        Write("/proc/self/cgroup", string.Concat(Enumerable.Range(2, 2000).Select(i => $"{i}:c{i}:/other\n")) + "0::/a\n");
        WriteUnified("/a", "5000\n", 2000);
        Assert.Equal(new MemoryLimit(5000, 2000), LinuxControlGroup.Smallest(_root));
    }

    [Fact]
    public void A_file_that_opens_and_cannot_be_read_counts_as_missing() => Assert.False(LinuxText.TryRead("/proc/self/mem", out _));

    [Fact]
    public void A_file_is_read_without_a_lock_on_it()
    {
        Write("/locked", "17\n");
        using var locked = new FileStream($"{_root}/locked", FileMode.Open, FileAccess.ReadWrite, FileShare.None);
        Assert.Equal(17, LinuxText.ReadNumber($"{_root}/locked"));
    }

    [Fact]
    public void The_limits_of_this_machine_can_be_read()
    {
        var limit = SharedMemoryDirectory.GetMemoryLimit();
        Assert.Equal(LinuxControlGroup.Smallest()?.LimitBytes, limit?.LimitBytes);
        Assert.True(limit is not { } given || (given.LimitBytes > 0 && given.UsedBytes > 0));
    }

    public void Dispose() => Directory.Delete(_root, recursive: true);

    private void WriteUnified(string group, string limit, long used, string stat = Nothing)
    {
        Write($"/sys/fs/cgroup{group}/memory.max", limit);
        Write($"/sys/fs/cgroup{group}/memory.current", $"{used}\n");
        Write($"/sys/fs/cgroup{group}/memory.stat", stat);
    }

    private void Write1(string group, string limit, long used, string stat = Nothing1)
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
