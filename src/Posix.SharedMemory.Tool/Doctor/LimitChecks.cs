using System.Globalization;

namespace Posix.SharedMemory.Tool;

/// <summary>The resource limits of this process, and of processes started like it: getrlimit(2).</summary>
internal static class LimitChecks
{
    private const int CAP_IPC_LOCK = 14;

    /// <summary>Where the limits cannot be read, the checks of each have nothing to say.</summary>
    internal static Finding? AreVisible(Machine machine) => machine.CanSeeLimits ? null : new(
        "limits", FindingLevel.Note, "The limits of this process are unknown: /proc/self/limits cannot be read.",
        "Locking memory, opening objects, making them longer and mapping them may fail for a limit (RLIMIT_MEMLOCK, RLIMIT_NOFILE, RLIMIT_FSIZE, RLIMIT_AS).",
        "In a shell, ulimit -a shows them; or mount -t proc proc /proc, and run shm doctor again");

    internal static Finding? LockedMemory(Machine machine)
    {
        const long Usual = 8 << 20;
        return machine.Limit("Max locked memory") is not { } limit ? null
            : limit < 0 || machine.HasCapability(CAP_IPC_LOCK) ? Finding.Ok("memlock", "No limit on locked memory.")
            : limit > Usual ? Finding.Ok("memlock", $"{ByteSize.Short(limit)} of memory may be locked.")
            : new(
                "memlock", FindingLevel.Note, $"{ByteSize.Short(limit)} of memory may be locked (RLIMIT_MEMLOCK).",
                "Locking more fails with ENOMEM or EPERM (mlock); MAP_LOCKED and MFD_HUGETLB may fail too.",
                "ulimit -l unlimited; in a unit, LimitMEMLOCK=infinity; docker run --ulimit memlock=-1; for users, /etc/security/limits.conf: * - memlock unlimited");
    }

    internal static Finding? Descriptors(Machine machine)
    {
        const long Least = 1024;
        return machine.Limit("Max open files") is not { } limit ? null
            : limit is < 0 or >= Least ? Finding.Ok("nofile", limit < 0 ? "No limit on open files." : $"A process may open {limit} files.")
            : new(
                "nofile", FindingLevel.Warning, $"A process may open {limit} files (RLIMIT_NOFILE).",
                "Each open object needs a descriptor, and a language runtime needs some dozens itself: past the limit, shm_open fails with EMFILE.",
                "ulimit -n 65536; in a unit, LimitNOFILE=65536; docker run --ulimit nofile=65536");
    }

    internal static Finding? FileSize(Machine machine) => machine.Limit("Max file size") is not { } limit ? null
        : limit < 0 ? Finding.Ok("fsize", "No limit on the length of objects.")
        : new(
            "fsize", FindingLevel.Warning, $"Files, and therefore objects, may be at most {ByteSize.Short(limit)} long (RLIMIT_FSIZE).",
            "Growing or writing past that raises SIGXFSZ, which kills most programs; this library fails with EFBIG instead.",
            "ulimit -f unlimited; in a unit, LimitFSIZE=infinity");

    internal static Finding? AddressSpace(Machine machine) => machine.Limit("Max address space") is not { } limit ? null
        : limit < 0 ? Finding.Ok("as", "No limit on mapped memory.")
        : new(
            "as", FindingLevel.Note, $"A process may map at most {ByteSize.Short(limit)} (RLIMIT_AS).",
            "Mapping more fails with ENOMEM, even if it needs only address space, as memory that grows in place does.",
            "ulimit -v unlimited; in a unit, LimitAS=infinity");

    internal static Finding? OtherProcesses(Machine machine)
    {
        if (!machine.Exists("/proc/self"))
        {
            return new(
                "proc", FindingLevel.Warning, "/proc is not mounted.", "The processes that hold an object cannot be found: shm who fails; shm ls and shm gc know only what the kernel says about this user's own objects. shm chmod fails.",
                "mount -t proc proc /proc");
        }

        var hidden = machine.Mount("/proc")?.Options.FirstOrDefault(option => option.StartsWith("hidepid=", StringComparison.Ordinal) && option is not ("hidepid=0" or "hidepid=off"));
        return hidden is not null && machine.User != 0
            ? new(
                "proc", FindingLevel.Note, $"/proc hides the processes of other users ({hidden}).",
                "Processes of other users are not seen: shm ls shows ? and 1+ where there may be more holders, and shm who says that its list may be incomplete.",
                "Run shm as root; or mount -o remount,hidepid=0 /proc")
            : Finding.Ok("proc", "/proc shows the processes that may hold objects.");
    }

    internal static Finding? ProtectedFiles(Machine machine) => machine.Number("/proc/sys/fs/protected_regular") switch
    {
        null => null,
        0 => Finding.Ok("protected-regular", "Objects of other users may be opened with O_CREAT (fs.protected_regular=0)."),
        var level => new(
            "protected-regular", FindingLevel.Note, string.Create(CultureInfo.InvariantCulture, $"fs.protected_regular is {level}."),
            "shm_open with O_CREAT fails with EACCES if another user created the object, whatever its mode, for root too.",
            "In programs, open without O_CREAT first, and create only if that fails with ENOENT; or sysctl fs.protected_regular=0"),
    };
}
