using System.Globalization;

namespace Posix.SharedMemory.Tool;

/// <summary>What this process, and those started like it, may take: getrlimit(2).</summary>
internal static class LimitChecks
{
    private const int CAP_IPC_LOCK = 14;

    internal static Finding? LockedMemory(Machine machine)
    {
        const long Usual = 8 << 20;
        return machine.Limit("Max locked memory") is not { } limit ? null
            : limit < 0 || machine.HasCapability(CAP_IPC_LOCK) ? Finding.Ok("memlock", "As much memory may be locked as one likes.")
            : limit > Usual ? Finding.Ok("memlock", $"{ByteSize.Short(limit)} of memory may be locked.")
            : new(
                "memlock", FindingLevel.Note, $"{ByteSize.Short(limit)} of memory may be locked (RLIMIT_MEMLOCK).",
                "mlock of more fails with ENOMEM or EPERM; MAP_LOCKED and MFD_HUGETLB for some.",
                "ulimit -l unlimited; in a unit, LimitMEMLOCK=infinity; docker run --ulimit memlock=-1; for users, /etc/security/limits.conf: * - memlock unlimited");
    }

    internal static Finding? Descriptors(Machine machine)
    {
        const long Least = 1024;
        return machine.Limit("Max open files") is not { } limit ? null
            : limit is < 0 or >= Least ? Finding.Ok("nofile", limit < 0 ? "A process may open as many files as it likes." : $"A process may open {limit} files.")
            : new(
                "nofile", FindingLevel.Warning, $"A process may open {limit} files (RLIMIT_NOFILE).",
                "Each open object takes a descriptor, and a runtime some dozens for itself: shm_open fails with EMFILE.",
                "ulimit -n 65536; in a unit, LimitNOFILE=65536; docker run --ulimit nofile=65536");
    }

    internal static Finding? FileSize(Machine machine) => machine.Limit("Max file size") is not { } limit ? null
        : limit < 0 ? Finding.Ok("fsize", "Objects may be as long as one likes.")
        : new(
            "fsize", FindingLevel.Warning, $"Files, and so objects, may have {ByteSize.Short(limit)} (RLIMIT_FSIZE).",
            "ftruncate and write beyond it raise SIGXFSZ, which kills most programs; this library says EFBIG instead.",
            "ulimit -f unlimited; in a unit, LimitFSIZE=infinity");

    internal static Finding? AddressSpace(Machine machine) => machine.Limit("Max address space") is not { } limit ? null
        : limit < 0 ? Finding.Ok("as", "A process may map as much as one likes.")
        : new(
            "as", FindingLevel.Note, $"A process may map {ByteSize.Short(limit)} (RLIMIT_AS).",
            "mmap of more fails with ENOMEM, also where it takes only address space, as for memory that is to grow in place.",
            "ulimit -v unlimited; in a unit, LimitAS=infinity");

    internal static Finding? OtherProcesses(Machine machine)
    {
        if (!machine.Exists("/proc/self"))
        {
            return new(
                "proc", FindingLevel.Warning, "/proc is not mounted.", "Who holds an object cannot be found: shm who fails; shm ls and shm gc know no more than what the kernel tells of one's own objects, whether anybody does. shm chmod fails.",
                "mount -t proc proc /proc");
        }

        var hidden = machine.Mount("/proc")?.Options.FirstOrDefault(option => option.StartsWith("hidepid=", StringComparison.Ordinal) && option is not ("hidepid=0" or "hidepid=off"));
        return hidden is not null && machine.User != 0
            ? new(
                "proc", FindingLevel.Note, $"/proc hides the processes of other users ({hidden}).",
                "Holders that are not yours are not seen: shm ls shows ? and 1+ where there may be more, shm who tells that it does not know all.",
                "Ask as root; or mount -o remount,hidepid=0 /proc")
            : Finding.Ok("proc", "/proc shows the processes that may hold objects.");
    }

    internal static Finding? ProtectedFiles(Machine machine) => machine.Number("/proc/sys/fs/protected_regular") switch
    {
        null => null,
        0 => Finding.Ok("protected-regular", "Objects of other users may be opened with O_CREAT (fs.protected_regular=0)."),
        var level => new(
            "protected-regular", FindingLevel.Note, string.Create(CultureInfo.InvariantCulture, $"fs.protected_regular is {level}."),
            "shm_open with O_CREAT of an object that another user has made fails with EACCES, for root too, whatever its mode.",
            "Open it without O_CREAT first (FileMode.Open), and create only what is missing; or sysctl fs.protected_regular=0"),
    };
}
