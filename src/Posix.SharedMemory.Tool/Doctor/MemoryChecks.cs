using System.Globalization;

namespace Posix.SharedMemory.Tool;

/// <summary>How the kernel treats the memory: limits of the container, huge pages, anonymous memory.</summary>
internal static class MemoryChecks
{
    private const string ShmemEnabled = "/sys/kernel/mm/transparent_hugepage/shmem_enabled";

    internal static Finding ControlGroup(Machine machine)
    {
        if (machine.MemoryLimit is not { } group)
        {
            return WhyGroupsAreUnknown(machine) is { } unknown
                ? new(
                    "cgroup", FindingLevel.Note, $"It is unknown whether a control group limits the memory: {unknown.Reason}.",
                    "A reservation past such a limit may get the process killed (exit code 137), where ENOMEM is promised otherwise.", unknown.Remedy)
                : Finding.Ok("cgroup", "No control group limits the memory.");
        }

        var what = $"The control group may use {ByteSize.Short(group.LimitBytes)} of memory{(group.UsedBytes == 0 ? "; how much it uses is unknown" : $" and uses {ByteSize.Short(group.UsedBytes)}")}";
        return machine.Usage is { TotalBytes: > 0 } usage && group.LimitBytes < usage.TotalBytes
            ? new(
                "cgroup", FindingLevel.Warning, $"{what}; /dev/shm may hold more, {ByteSize.Short(usage.TotalBytes)}.",
                "Shared memory counts toward the group's limit. Before /dev/shm is full, the kernel kills a process (exit code 137): no call fails, and nothing can be caught.",
                string.Create(CultureInfo.InvariantCulture, $"Make /dev/shm smaller than the limit: mount -o remount,size={group.LimitBytes / 2 >> 20}m /dev/shm, docker run --shm-size={group.LimitBytes / 2 >> 20}m; or raise the limit: docker run --memory, MemoryMax= in a unit"))
            : Finding.Ok("cgroup", what + ".");
    }

    /// <summary>Why the groups that count this process's memory cannot be seen, and what makes them visible; <see langword="null"/> if they can, or there are none.</summary>
    private static (string Reason, string Remedy)? WhyGroupsAreUnknown(Machine machine)
    {
        const string Groups = "/proc/self/cgroup";
        if (machine.Read(Groups) is null)
        {
            // A kernel without control groups does not have the file.
            return machine.Exists("/proc/self/status") && !machine.Exists(Groups) ? null : ($"{Groups} cannot be read", "mount -t proc proc /proc");
        }

        // Beside version 1, which has a line for its memory controller, version 2 does not count memory.
        var groups = machine.Lines(Groups).Select(line => line.Split(':', 3)).ToList();
        var isFirst = groups.Exists(fields => fields is [_, var controllers, _] && controllers.Split(',').Contains("memory", StringComparer.Ordinal));
        var (type, file) = isFirst ? ("cgroup ", "/memory.limit_in_bytes") : ("cgroup2 ", "/cgroup.controllers");
        var isVisible = (!isFirst && !groups.Exists(fields => fields is ["0", "", _]))
            || machine.Lines("/proc/self/mountinfo").Select(line => line.Split(" - ", 2))
                .Any(parts => parts is [var place, var mounted] && mounted.StartsWith(type, StringComparison.Ordinal) && place.Split(' ') is [_, _, _, _, var point, ..] && machine.Exists(point + file));
        return isVisible ? null : ("this process is in one, and none is visible", "Mount the control groups in the container, read-only: mount -t cgroup2 -o ro cgroup2 /sys/fs/cgroup");
    }

    internal static Finding? TransparentHugePages(Machine machine)
    {
        if (machine.Read(ShmemEnabled) is not { } text)
        {
            return null;
        }

        return Chosen(text) switch
        {
            "never" or "deny" => new(
                "huge-pages", FindingLevel.Note, $"Huge pages for memory without a name are off ({Chosen(text)}).",
                "Memory from memfd_create uses 4K pages: MADV_HUGEPAGE has no effect on it, and random access to gigabytes is slower.",
                $"echo advise > {ShmemEnabled}"),
            "always" or "force" => new(
                "huge-pages", FindingLevel.Note, $"Huge pages for memory without a name are used wherever they fit ({Chosen(text)}).",
                "A small memfd may use 2M of memory after one page is written.", $"echo advise > {ShmemEnabled}"),
            var chosen => Finding.Ok("huge-pages", $"Huge pages for memory without a name are available on request ({chosen})."),
        };
    }

    // Named objects follow the mount option, and the setting above only where it overrides all mounts.
    internal static Finding? TransparentHugePagesOfObjects(Machine machine)
    {
        if (machine.Mount("/dev/shm") is not { Type: "tmpfs" } mount || machine.Read(ShmemEnabled) is not { } text)
        {
            return null;
        }

        var chosen = Chosen(text) is "deny" or "force" ? Chosen(text)
            : Array.Find(mount.Options, option => option.StartsWith("huge=", StringComparison.Ordinal)) is { } option ? option["huge=".Length..] : "never";
        return chosen switch
        {
            "never" or "deny" => new(
                "huge-pages-named", FindingLevel.Note, $"Huge pages for objects in /dev/shm are off ({chosen}).",
                "They use 4K pages: MADV_HUGEPAGE has no effect on them, and random access to gigabytes is slower.",
                chosen == "deny" ? $"echo advise > {ShmemEnabled} && mount -o remount,huge=advise /dev/shm" : "mount -o remount,huge=advise /dev/shm"),
            "always" or "force" => new(
                "huge-pages-named", FindingLevel.Note, $"Huge pages for objects in /dev/shm are used wherever they fit ({chosen}).",
                "A small object may use 2M of memory after one page is written.",
                chosen == "force" ? $"echo advise > {ShmemEnabled} && mount -o remount,huge=advise /dev/shm" : "mount -o remount,huge=advise /dev/shm"),
            _ => Finding.Ok("huge-pages-named", $"Huge pages for objects in /dev/shm are available on request ({chosen})."),
        };
    }

    internal static Finding? ReservedHugePages(Machine machine)
    {
        if (machine.Memory("HugePages_Total") is not { } total || machine.Memory("Hugepagesize") is not { } size)
        {
            return null;
        }

        var free = machine.Memory("HugePages_Free") ?? 0;
        var memory = machine.Memory("MemTotal") ?? long.MaxValue;
        return total == 0
            ? Finding.Ok("huge-pool", "No huge pages are reserved. Only memory created with MFD_HUGETLB needs them.")
            : free == total && total * size > memory / 4
                ? new(
                    "huge-pool", FindingLevel.Note, $"{total} huge pages ({ByteSize.Short(total * size)}) are reserved, and none is used.",
                    "Nothing else can use this memory, neither programs nor /dev/shm.", "sysctl vm.nr_hugepages=0")
                : free == 0
                    ? new(
                        "huge-pool", FindingLevel.Note, $"All {total} reserved huge pages are used.",
                        "Creating memory with MFD_HUGETLB fails with ENOMEM.", string.Create(CultureInfo.InvariantCulture, $"sysctl vm.nr_hugepages={total * 2}"))
                    : Finding.Ok("huge-pool", $"{total - free} of {total} reserved huge pages are used.");
    }

    internal static Finding? ExecutableAnonymousMemory(Machine machine) => machine.Number("/proc/sys/vm/memfd_noexec") switch
    {
        null => null,
        0 => Finding.Ok("memfd-noexec", "memfd_create is not restricted (vm.memfd_noexec=0)."),
        1 => new(
            "memfd-noexec", FindingLevel.Note, "vm.memfd_noexec is 1: anonymous memory is not executable unless MFD_EXEC is given.",
            "Programs that run code from a memfd fail with EACCES. Data is not affected.", "sysctl vm.memfd_noexec=0"),
        _ => new(
            "memfd-noexec", FindingLevel.Warning, "vm.memfd_noexec is 2: memfd_create is refused unless MFD_NOEXEC_SEAL is given.",
            "Programs that do not know this flag, new in Linux 6.3, fail with EACCES.", "sysctl vm.memfd_noexec=1"),
    };

    internal static Finding? AnonymousMemory(Machine machine) => machine.AnonymousMemory switch
    {
        Errno.None => Finding.Ok("memfd", "Anonymous memory can be created (memfd_create)."),
        { } error => new(
            "memfd", FindingLevel.Warning, $"memfd_create fails with {error}{(HasFilter(machine) ? ": a seccomp filter is active" : "")}.",
            "No memory without a name can be created, and so none can be sealed or passed over a socket.",
            "Allow memfd_create in the filter: docker run --security-opt seccomp=profile.json; in a unit, SystemCallFilter=memfd_create"),
        null => HasFilter(machine) ? Finding.Ok("memfd", "A seccomp filter is active. Whether it allows memfd_create was not tried.") : null,
    };

    private static bool HasFilter(Machine machine) => machine.Status("Seccomp").Trim() == "2";

    // always within_size [advise] never
    private static string Chosen(string text) => text.IndexOf('[', StringComparison.Ordinal) is var open and >= 0 && text.IndexOf(']', StringComparison.Ordinal) is var close && close > open
        ? text[(open + 1)..close]
        : text;
}
