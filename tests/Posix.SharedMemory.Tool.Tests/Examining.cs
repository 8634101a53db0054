namespace Posix.SharedMemory.Tool.Tests;

public sealed class Examining
{
    [Fact]
    public void Finds_nothing_on_a_machine_without_trouble()
    {
        using var root = new FakeRoot();
        var found = Examination.Of(root.Machine);
        Assert.Equal(22, found.Count);
        Assert.All(found, finding => Assert.Equal((FindingLevel.Ok, null, null), (finding.Level, finding.Consequence, finding.Cure)));
    }

    [Theory]
    [InlineData("directory", 2, "There is no /dev/shm.", "/dev/shm", null)]
    [InlineData("memory", 2, "/dev/shm is of type ext4, not tmpfs.", "/proc/self/mounts", "/dev/sda /dev/shm ext4 rw 0 0\n")]
    [InlineData("memory", 2, "Nothing is mounted on /dev/shm: it is a directory of the file system around it.", "/proc/self/mounts", "/dev/sda / ext4 rw 0 0\n")]
    [InlineData("read-only", 2, "/dev/shm is mounted read-only.", "/proc/self/mounts", "tmpfs /dev/shm tmpfs ro,nosuid 0 0\n")]
    [InlineData("noexec", 1, "/dev/shm is mounted noexec.", "/proc/self/mounts", "tmpfs /dev/shm tmpfs rw,noexec 0 0\n")]
    [InlineData("huge-pages", 1, "Huge pages for memory without a name are off (never).", "/sys/kernel/mm/transparent_hugepage/shmem_enabled", "always within_size advise [never] deny force\n")]
    [InlineData("huge-pages", 1, "Huge pages for memory without a name are off (deny).", "/sys/kernel/mm/transparent_hugepage/shmem_enabled", "always within_size advise never [deny] force\n")]
    [InlineData("huge-pages", 1, "Huge pages for memory without a name are used wherever they fit (always).", "/sys/kernel/mm/transparent_hugepage/shmem_enabled", "[always] never\n")]
    [InlineData("huge-pages-named", 1, "Huge pages for objects in /dev/shm are off (never).", "/proc/self/mounts", "tmpfs /dev/shm tmpfs rw 0 0\n")]
    [InlineData("huge-pages-named", 1, "Huge pages for objects in /dev/shm are off (deny).", "/sys/kernel/mm/transparent_hugepage/shmem_enabled", "always within_size advise never [deny] force\n")]
    [InlineData("huge-pages-named", 1, "Huge pages for objects in /dev/shm are used wherever they fit (always).", "/proc/self/mounts", "tmpfs /dev/shm tmpfs rw,huge=always 0 0\n")]
    [InlineData("huge-pool", 1, "2048 huge pages (4G) are reserved, and none is used.", "/proc/meminfo", "MemTotal: 8388608 kB\nHugePages_Total: 2048\nHugePages_Free: 2048\nHugepagesize: 2048 kB\n")]
    [InlineData("huge-pool", 1, "All 16 reserved huge pages are used.", "/proc/meminfo", "MemTotal: 8388608 kB\nHugePages_Total: 16\nHugePages_Free: 0\nHugepagesize: 2048 kB\n")]
    [InlineData("memfd-noexec", 1, "vm.memfd_noexec is 1: anonymous memory is not executable unless MFD_EXEC is given.", "/proc/sys/vm/memfd_noexec", "1\n")]
    [InlineData("memfd-noexec", 2, "vm.memfd_noexec is 2: memfd_create is refused unless MFD_NOEXEC_SEAL is given.", "/proc/sys/vm/memfd_noexec", "2\n")]
    [InlineData("proc", 1, "/proc hides the processes of other users (hidepid=invisible).", "/proc/self/mounts", "proc /proc proc rw,hidepid=invisible 0 0\ntmpfs /dev/shm tmpfs rw 0 0\n")]
    [InlineData("protected-regular", 1, "fs.protected_regular is 2.", "/proc/sys/fs/protected_regular", "2\n")]
    [InlineData("remove-ipc", 2, "systemd-logind removes a user's objects when the user's last session ends (RemoveIPC=yes).", "/etc/systemd/logind.conf", "[Login]\n")]
    [InlineData("remove-ipc", 2, "systemd-logind removes a user's objects when the user's last session ends (RemoveIPC=yes).", "/usr/lib/systemd/logind.conf.d/50-vendor.conf", "[Login]\nRemoveIPC = true\n")]
    public void Finds_trouble_in_the_files_of_the_system(string check, int level, string what, string path, string? text)
    {
        using var root = new FakeRoot();
        if (text is null)
        {
            root.Remove(path);
        }
        else
        {
            root.Write(path, text);
        }

        AssertFound(check, level, what, root.Machine);
    }

    [Fact]
    public void Finds_that_the_control_group_may_take_less_than_the_file_system()
    {
        using var root = new FakeRoot();
        AssertFound("cgroup", 2, "The control group may use 512M of memory and uses 100M; /dev/shm may hold more, 4G.", root.MakeLimited(new(512 << 20, 100 << 20)));
        Assert.Contains(Examination.Of(root.MakeLimited(new(8L << 30, 100 << 20))), finding => finding is { Check: "cgroup", Level: FindingLevel.Ok, What: "The control group may use 8G of memory and uses 100M." });
        Assert.Contains(Examination.Of(root.MakeLimited(new(8L << 30, 0))), finding => finding is { Check: "cgroup", What: "The control group may use 8G of memory; how much it uses is unknown." });
    }

    [Theory]
    [InlineData("0::/service\n", "30 20 0:26 / /sys/fs/cgroup ro - cgroup2 cgroup2 rw\n", "/sys/fs/cgroup/cgroup.controllers", true)]
    [InlineData("0::/service\n", "30 20 0:26 / /sys/fs/cgroup ro - cgroup2 cgroup2 rw\n", null, false)]
    [InlineData("0::/service\n", "", null, false)]
    [InlineData("4:memory:/service\n0::/\n", "31 20 0:27 / /sys/fs/cgroup/unified rw - cgroup2 cgroup2 rw\n", "/sys/fs/cgroup/unified/cgroup.controllers", false)]
    [InlineData("4:memory:/service\n0::/\n", "31 20 0:27 / /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory\n", "/sys/fs/cgroup/memory/memory.limit_in_bytes", true)]
    [InlineData("3:freezer:/\n", "", null, true)]
    public void A_control_group_that_cannot_be_seen_is_unknown_and_not_absent(string groups, string mounts, string? file, bool isKnown)
    {
        using var root = new FakeRoot();
        root.Write("/proc/self/cgroup", groups);
        root.Write("/proc/self/mountinfo", mounts);
        if (file is not null)
        {
            root.Write(file, "memory\n");
        }

        var found = Examination.Of(root.Machine).Single(finding => finding.Check == "cgroup");
        Assert.Equal(
            isKnown ? (FindingLevel.Ok, "No control group limits the memory.") : (FindingLevel.Note, "It is unknown whether a control group limits the memory: this process is in one, and none is visible."),
            (found.Level, found.What));
    }

    [Fact]
    public void Without_proc_does_not_say_that_no_control_group_limits_the_memory()
    {
        using var root = new FakeRoot();
        Assert.Equal(FindingLevel.Ok, Find("cgroup", root.Machine).Level);
        root.Remove("/proc");
        var found = Find("cgroup", root.Machine);
        Assert.Equal((FindingLevel.Note, "It is unknown whether a control group limits the memory: /proc/self/cgroup cannot be read."), (found.Level, found.What));
    }

    [Theory]
    [InlineData("memlock", 1, "Max locked memory", "65536", "64K of memory may be locked (RLIMIT_MEMLOCK).")]
    [InlineData("nofile", 2, "Max open files", "256", "A process may open 256 files (RLIMIT_NOFILE).")]
    [InlineData("fsize", 2, "Max file size", "1048576", "Files, and therefore objects, may be at most 1M long (RLIMIT_FSIZE).")]
    [InlineData("as", 1, "Max address space", "4294967296", "A process may map at most 4G (RLIMIT_AS).")]
    public void Finds_limits(string check, int level, string name, string soft, string what)
    {
        using var root = new FakeRoot();
        root.Write("/proc/self/limits", FakeRoot.Limits(name, soft));
        AssertFound(check, level, what, root.Machine);
    }

    [Theory]
    [InlineData(64L << 20, 0, 2, "size", "/dev/shm has 64M, which is what Docker gives a container.")]
    [InlineData(256L << 20, 0, 1, "size", "/dev/shm may hold 256M, on a machine with 8G of memory.")]
    [InlineData(16L << 30, 0, 1, "size", "/dev/shm may hold 16G, which is nearly all memory and swap (10G), or more.")]
    [InlineData(1000L << 20, 80, 1, "room", "/dev/shm is 80 % full: 200M left.")]
    [InlineData(1000L << 20, 95, 2, "room", "/dev/shm is 95 % full: 50M left.")]
    public void Finds_that_room_is_short(long total, int percent, int level, string check, string what)
    {
        using var root = new FakeRoot();
        var used = total / 100 * percent;
        AssertFound(check, level, what, root.Make(new(total, used, total - used)));
    }

    [Theory]
    [InlineData(1000, 200, 1)]
    [InlineData(1000, 50, 2)]
    public void Finds_that_inodes_are_short(long total, long left, int level)
    {
        using var root = new FakeRoot();
        var machine = root.Make(new(4L << 30, 1L << 30, 3L << 30) { TotalInodes = total, AvailableInodes = left });
        AssertFound("inodes", level, $"/dev/shm may hold {total} files, of which {left} are left.", machine);
        Assert.Contains("nr_inodes=2000 ", Find("inodes", machine).Cure, StringComparison.Ordinal);
        Assert.DoesNotContain(Examination.Of(root.Make(new(4L << 30, 1L << 30, 3L << 30))), finding => finding.Check == "inodes");
    }

    [SkippableFact]
    public void Shows_that_inodes_are_used_up()
    {
        Skip.If(Privileged.NamespaceObstacle is not null, Privileged.NamespaceObstacle);
        var ran = Shm.Shell(
            "unshare --mount --propagation private sh -c 'mount -t tmpfs -o size=64m,nr_inodes=4 tmpfs /dev/shm && for n in 1 2 3; do $SHM create n$n 1; done; $SHM create n4 1; $SHM df; $SHM df --json; $SHM doctor --quiet'");
        Assert.Equal("shm: create: n4: No space left on device (ENOSPC)", ran.Errors.Split(':', 5) is var parts ? string.Join(':', parts[..4]).TrimEnd('\n') : "");
        Assert.Matches(@"\n +4 +4 +0 +100%  /dev/shm, objects and other files \(inodes\)\n", ran.Output);
        Assert.Contains("\"inodes\": 4,\n  \"inodes_available\": 0,", ran.Output, StringComparison.Ordinal);
        Assert.Contains("warning  /dev/shm may hold 4 files, of which 0 are left.\n", ran.Output, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(0x1FF, "/dev/shm has mode 0777, without the sticky bit.")]
    [InlineData(0x3C0, "/dev/shm has mode 1700.")]
    [InlineData(0x1ED, "/dev/shm has mode 0755.")]
    [InlineData(0x1FD, "/dev/shm has mode 0775.")]
    [InlineData(0x3DB, "/dev/shm has mode 1733.")]
    public void Finds_a_mode_that_causes_trouble(int mode, string what)
    {
        using var root = new FakeRoot();
        root.SetMode("/dev/shm", mode);
        AssertFound("mode", 2, what, root.Machine);
    }

    [Theory]
    [InlineData(0x1FF, "Any user can remove and replace")]
    [InlineData(0x3C0, "Only its owner and group can create")]
    [InlineData(0x1ED, "Only its owner and group can create")]
    [InlineData(0x3DB, "Some users cannot open or list")]
    public void Names_the_consequence_of_each_mode(int mode, string consequence)
    {
        using var root = new FakeRoot();
        root.SetMode("/dev/shm", mode);
        Assert.StartsWith(consequence, Find("mode", root.Machine).Consequence, StringComparison.Ordinal);
    }

    [Fact]
    public void Follows_a_symbolic_link_at_the_directory_to_its_mount()
    {
        using var root = new FakeRoot();
        root.Remove("/dev/shm");
        root.Link("/dev/shm", "/run/shm");
        root.Write("/proc/self/mounts", "tmpfs /run/shm tmpfs rw,noexec 0 0\n");
        Assert.Equal(FindingLevel.Ok, Find("memory", root.Machine).Level);
        Assert.Equal(FindingLevel.Note, Find("noexec", root.Machine).Level);
    }

    [Theory]
    [InlineData("tmpfs", 0, "/dev/shm is a tmpfs: its contents are memory.")]
    [InlineData("overlay", 2, "/dev/shm is of type overlay, not tmpfs.")]
    [InlineData(null, 1, "The file system of /dev/shm is unknown: /proc/self/mounts cannot be read.")]
    public void Without_proc_does_not_say_that_nothing_is_mounted(string? type, int level, string what)
    {
        using var root = new FakeRoot();
        root.Remove("/proc");
        var finding = Find("memory", root.MakeOn(type));
        Assert.Equal(((FindingLevel)level, what), (finding.Level, finding.What));
    }

    [Fact]
    public void Finds_that_anonymous_memory_is_forbidden()
    {
        using var root = new FakeRoot();
        root.Write("/proc/self/status", "Uid:\t1000\t1000\t1000\t1000\nSeccomp:\t2\n");
        AssertFound("memfd", 2, "memfd_create fails with EPERM: a seccomp filter is active.", root.Make(Errno.EPERM, []));
        Assert.Contains("was not tried", Assert.Single(Examination.Of(root.Make(anonymous: null, [])), finding => finding.Check == "memfd").What, StringComparison.Ordinal);
    }

    [Fact]
    public void Finds_objects_that_no_process_uses()
    {
        using var root = new FakeRoot();
        AssertFound(
            "stale", 1, "4 objects of 10K are in use by no process, and were not written to for a day: d, c, b, …",
            root.Make(default(Errno), [new("a", 1024), new("b", 2048), new("c", 3072), new("d", 4096)]));
    }

    [Theory]
    [InlineData("stale", 0, "It is unknown whether a process uses 1 object that was not written to for a day.")]
    [InlineData("stale", 1, "1 object of 1K is in use by no process, and was not written to for a day: a. It is unknown whether a process uses 1 other object that was not written to for a day.")]
    [InlineData("stale", null, "It is unknown whether objects are left that no process uses: this user may not list /dev/shm.")]
    [InlineData("dead-ends", 0, "No channel that this user may read has an end whose process died; 2 objects, which may be channels, could not be read.")]
    [InlineData("dead-ends", 1, "1 end of channels belongs to a process that died: a (the writer). 2 objects, which may be channels, could not be read.")]
    [InlineData("dead-ends", null, "It is unknown whether a channel has an end whose process died: this user may not list /dev/shm.")]
    public void Objects_of_which_nothing_is_known_are_not_taken_for_objects_without_trouble(string check, int? found, string what)
    {
        using var root = new FakeRoot();
        AssertFound(check, 1, what, found is not { } count ? root.MakeUnsure(null, 0, null, 0)
            : root.MakeUnsure([.. new StaleObject[] { new("a", 1024) }.Take(count)], 1, [.. new DeadEnd[] { new("a", "writer", "") }.Take(count)], 2));
    }

    [SkippableFact]
    public void A_directory_that_this_user_may_not_list_is_not_taken_for_an_empty_one()
    {
        Skip.If(Privileged.StrangerObstacle is not null, Privileged.StrangerObstacle);
        Skip.If(Privileged.NamespaceObstacle is not null, Privileged.NamespaceObstacle);
        using var copy = new CommandCopy();
        var user = Privileged.Stranger;
        var ran = Shm.Shell($"unshare --mount --propagation private sh -c 'mount -t tmpfs -o mode=711 tmpfs /dev/shm && exec setpriv --reuid={user} --regid={user} --clear-groups {copy.Program} doctor --quiet'");
        Assert.Contains("note     It is unknown whether objects are left that no process uses: this user may not list /dev/shm.\n", ran.Output, StringComparison.Ordinal);
        Assert.Contains("note     It is unknown whether a channel has an end whose process died: this user may not list /dev/shm.\n", ran.Output, StringComparison.Ordinal);
    }

    [Fact]
    public void Without_proc_other_sources_are_read_and_what_none_says_is_unknown()
    {
        using var root = new FakeRoot();
        root.Remove("/proc");
        var usage = new SharedMemoryUsage(4L << 30, 1L << 30, 3L << 30);
        AssertFound("limits", 1, "The limits of this process are unknown: /proc/self/limits cannot be read.", root.Machine);
        AssertFound("room", 1, "How much room /dev/shm has, and how much is left, is unknown: statfs fails.", root.MakeWithoutProc(null, null, null));
        AssertFound("size", 1, "/dev/shm may hold 4G; how much memory the machine has is unknown: /proc/meminfo cannot be read.", root.MakeWithoutProc(usage, null, null));
        AssertFound("size", 1, "/dev/shm may hold 4G, which is nearly all memory (4G), or more.", root.MakeWithoutProc(usage, 4L << 30, null));
        Assert.Equal("/dev/shm may hold 4G, of 8G of memory.", Find("size", root.MakeWithoutProc(usage, 8L << 30, null)).What);
        root.Write("/etc/systemd/logind.conf", "[Login]\n");
        // Nobody is taken for root, nor for another system user.
        Assert.Contains("loginctl enable-linger USER;", Find("remove-ipc", root.MakeWithoutProc(usage, null, null)).Cure, StringComparison.Ordinal);
        Assert.Contains("loginctl enable-linger alice;", Find("remove-ipc", root.MakeWithoutProc(usage, null, 1000)).Cure, StringComparison.Ordinal);
        var real = Machine.OfThisSystem();
        Assert.Equal(real.User, real.Creator);
        Assert.InRange(real.TotalMemory!.Value, 1 << 20, real.Memory("MemTotal")!.Value);
    }

    [Fact]
    public void Names_the_users_that_RemoveIPC_spares()
    {
        using var root = new FakeRoot();
        root.Write("/etc/systemd/logind.conf", "[Login]\n");
        Assert.Contains("loginctl enable-linger alice;", Find("remove-ipc", root.Machine).Cure, StringComparison.Ordinal);
        root.Write("/var/lib/systemd/linger/alice", "");
        Assert.Equal(FindingLevel.Ok, Find("remove-ipc", root.Machine).Level);
        root.Remove("/var/lib/systemd/linger/alice");
        root.Write("/proc/self/status", "Uid:\t499\t499\t499\t499\n");
        Assert.Equal(FindingLevel.Ok, Find("remove-ipc", root.Machine).Level);
        root.Write("/proc/self/status", "Uid:\t500\t500\t500\t500\n");
        Assert.Equal(FindingLevel.Warning, Find("remove-ipc", root.Machine).Level);

        // A drop-in counts more than the file, and of one name that in /etc.
        root.Write("/usr/lib/systemd/logind.conf.d/a.conf", "[Login]\nRemoveIPC=yes\n");
        root.Write("/etc/systemd/logind.conf.d/a.conf", "[Login]\nRemoveIPC=no\n");
        Assert.Equal(FindingLevel.Ok, Find("remove-ipc", root.Machine).Level);
        root.Remove("/etc/systemd/logind.conf.d");
        root.Remove("/run/systemd/system");
        Assert.Equal(FindingLevel.Ok, Find("remove-ipc", root.Machine).Level);
    }

    [Fact]
    public void Does_not_warn_root_of_limits_that_do_not_apply_to_it()
    {
        using var root = new FakeRoot();
        root.Write("/proc/self/limits", FakeRoot.Limits("Max locked memory", "65536"));
        root.Write("/proc/self/mounts", "proc /proc proc rw,hidepid=2 0 0\ntmpfs /dev/shm tmpfs rw 0 0\n");
        root.Write("/proc/self/status", "Uid:\t0\t0\t0\t0\nCapEff:\t000001ffffffffff\n");
        Assert.Equal((FindingLevel.Ok, FindingLevel.Ok), (Find("memlock", root.Machine).Level, Find("proc", root.Machine).Level));
    }

    [Fact]
    public void Says_that_proc_is_missing_and_goes_on()
    {
        using var root = new FakeRoot();
        root.Remove("/proc");
        root.Remove("/sys");
        root.Remove("/etc");
        AssertFound("proc", 2, "/proc is not mounted.", root.Machine);
    }

    [Fact]
    public void Examines_this_machine()
    {
        var ran = Shm.Run("doctor", "--json");
        Assert.Equal("", ran.Errors);
        var found = Objects.Json(ran.Output).EnumerateArray().ToArray();
        Assert.InRange(found.Length, 10, 25);
        Assert.All(found.Where(finding => finding.GetProperty("level").GetString() != "ok"), finding => Assert.NotEqual("", finding.GetProperty("cure").GetString()));
        Assert.Equal(found.Any(finding => finding.GetProperty("level").GetString() == "warning") ? 1 : 0, ran.ExitCode);

        var text = Shm.Run("doctor");
        Assert.Matches(@"\n\d+ checks: \d+ warnings?, \d+ notes?\n$", text.Output);
        // Between the two runs other programs may have filled the memory, or left it.
        Assert.Equal(text.Output.Contains(" checks: 0 warnings, ", StringComparison.Ordinal) ? 0 : 1, text.ExitCode);
        Assert.DoesNotContain("\nok ", "\n" + Shm.Run("doctor", "--quiet").Output, StringComparison.Ordinal);
    }

    [SkippableFact]
    public void Examines_a_container_with_little_shared_memory()
    {
        Skip.If(Privileged.NamespaceObstacle is not null, Privileged.NamespaceObstacle);
        var ran = Shm.Shell("unshare --mount --propagation private sh -c 'mount -t tmpfs -o size=64m,mode=0777,noexec tmpfs /dev/shm && exec \"$SHM\" doctor --quiet'");
        Assert.Equal((1, ""), (ran.ExitCode, ran.Errors));
        Assert.Contains("warning  /dev/shm has 64M, which is what Docker gives a container.\n", ran.Output, StringComparison.Ordinal);
        Assert.Contains("docker run --shm-size=1g", ran.Output, StringComparison.Ordinal);
        Assert.Contains("warning  /dev/shm has mode 0777, without the sticky bit.\n", ran.Output, StringComparison.Ordinal);
        Assert.Contains("note     /dev/shm is mounted noexec.\n", ran.Output, StringComparison.Ordinal);
    }

    private static void AssertFound(string check, int level, string what, Machine machine)
    {
        var finding = Find(check, machine);
        Assert.Equal((what, (FindingLevel)level), (finding.What, finding.Level));
        Assert.False(string.IsNullOrEmpty(finding.Consequence));
        Assert.False(string.IsNullOrEmpty(finding.Cure));
    }

    private static Finding Find(string check, Machine machine) => Assert.Single(Examination.Of(machine), finding => finding.Check == check);
}
