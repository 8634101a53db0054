using System.Globalization;

namespace Posix.SharedMemory.Tool;

/// <summary>Does /dev/shm exist, is it memory, may everybody use it, and does it have room?</summary>
internal static class DirectoryChecks
{
    private const string Directory = "/dev/shm";
    private const long DockerDefault = 64 << 20;
    private const string Remount = "mount -t tmpfs -o mode=1777,nosuid,nodev tmpfs /dev/shm";

    internal static Finding IsThere(Machine machine) => machine.Exists(Directory)
        ? Finding.Ok("directory", "/dev/shm exists.")
        : new("directory", FindingLevel.Warning, "There is no /dev/shm.", "shm_open fails with ENOENT: no program on this machine can share memory by name.", $"mkdir -m 1777 /dev/shm && {Remount}");

    internal static Finding? IsMemory(Machine machine)
    {
        if (!machine.Exists(Directory))
        {
            return null;
        }

        var isMounted = machine.Mount(Directory) is not null;
        return (machine.Mount(Directory)?.Type ?? machine.FileSystem) switch
        {
            ("tmpfs" or "ramfs") and var memory when isMounted || !machine.CanSeeMounts => Finding.Ok("memory", $"/dev/shm is a {memory}: its contents are memory."),
            null when !machine.CanSeeMounts => new(
                "memory", FindingLevel.Note, "The file system of /dev/shm is unknown: /proc/self/mounts cannot be read.",
                "If it is not a tmpfs, objects are ordinary files.", "mount -t proc proc /proc, and run shm doctor again"),
            var type => new(
                "memory", FindingLevel.Warning,
                isMounted || !machine.CanSeeMounts ? $"/dev/shm is of type {type}, not tmpfs." : "Nothing is mounted on /dev/shm: it is a directory of the file system around it.",
                "Objects there are ordinary files: they may be written to a disk, survive a reboot, and are not accounted as memory. Seals, page states and reserving may be unavailable.",
                Remount),
        };
    }

    internal static Finding? IsOpenToAll(Machine machine)
    {
        const UnixFileMode Wanted = (UnixFileMode)0x3FF;
        if (machine.ModeOf(Directory) is not { } mode)
        {
            return null;
        }

        var text = ModeText.Octal(mode);
        return (mode & Wanted) == Wanted ? Finding.Ok("mode", $"/dev/shm has mode {text}: every user can create objects, and remove only their own.")
            : !mode.HasFlag(UnixFileMode.OtherWrite)
                ? new("mode", FindingLevel.Warning, $"/dev/shm has mode {text}.", "Only its owner and group can create objects, as far as the mode allows: for all other users, shm_open with O_CREAT fails with EACCES.", "chmod 1777 /dev/shm")
                : mode.HasFlag(UnixFileMode.StickyBit)
                    ? new("mode", FindingLevel.Warning, $"/dev/shm has mode {text}.", "Some users cannot open or list objects: shm_open fails with EACCES.", "chmod 1777 /dev/shm")
                    : new("mode", FindingLevel.Warning, $"/dev/shm has mode {text}, without the sticky bit.", "Any user can remove and replace the objects of others.", "chmod 1777 /dev/shm");
    }

    internal static Finding? IsWritable(Machine machine) => machine.Mount(Directory) is { } mount && mount.Options.Contains("ro", StringComparer.Ordinal)
        ? new("read-only", FindingLevel.Warning, "/dev/shm is mounted read-only.", "shm_open with O_CREAT fails with EROFS.", "mount -o remount,rw /dev/shm (in Docker: --tmpfs /dev/shm:rw,mode=1777 beside --read-only)")
        : null;

    internal static Finding? MayExecute(Machine machine) => machine.Mount(Directory) is not { } mount ? null
        : mount.Options.Contains("noexec", StringComparer.Ordinal)
            ? new(
                "noexec", FindingLevel.Note, "/dev/shm is mounted noexec.",
                "mmap with PROT_EXEC fails with EPERM there. Data is not affected; programs that keep machine code in shared memory are (libffi, some databases and language runtimes).",
                "mount -o remount,exec /dev/shm")
            : Finding.Ok("noexec", "/dev/shm is not mounted noexec.");

    internal static Finding? IsLargeEnough(Machine machine)
    {
        if (machine.Usage is not { TotalBytes: > 0 } usage)
        {
            return null;
        }

        var size = ByteSize.Short(usage.TotalBytes);
        if (usage.TotalBytes == DockerDefault)
        {
            return new(
                "size", FindingLevel.Warning, "/dev/shm has 64M, which is what Docker gives a container.",
                "Reserving more fails with ENOSPC. A process that writes to unreserved memory past that is killed by SIGBUS (\"bus error\").",
                "docker run --shm-size=1g; in a compose file, shm_size: 1gb; in Kubernetes, an emptyDir with medium: Memory mounted on /dev/shm; on a machine, mount -o remount,size=1g /dev/shm");
        }

        if ((machine.Memory("MemTotal") ?? machine.TotalMemory) is not { } memory)
        {
            return new(
                "size", FindingLevel.Note, $"/dev/shm may hold {size}; how much memory the machine has is unknown: /proc/meminfo cannot be read.",
                "If it may hold more than there is, it never fills up: the kernel kills a process instead of failing with ENOSPC.", "mount -t proc proc /proc, and run shm doctor again");
        }

        // Without /proc/meminfo it is unknown how much swap there is: then what exceeds the memory is worth a note too.
        var all = memory + (machine.Memory("SwapTotal") ?? 0);
        return usage.TotalBytes < memory / 16
            ? new(
                "size", FindingLevel.Note, $"/dev/shm may hold {size}, on a machine with {ByteSize.Short(memory)} of memory.",
                "Anything larger fails with ENOSPC, or with SIGBUS if it was not reserved, although the machine has enough memory.",
                "mount -o remount,size=50% /dev/shm, and the same in /etc/fstab: tmpfs /dev/shm tmpfs defaults,size=50% 0 0")
            : usage.TotalBytes > all * 9 / 10
                ? new(
                    "size", FindingLevel.Note, $"/dev/shm may hold {size}, which is nearly all memory{(machine.Memory("SwapTotal") is null ? "" : " and swap")} ({ByteSize.Short(all)}), or more.",
                    "It never fills up: the machine runs out of memory first, and the kernel kills a process instead of failing with ENOSPC.",
                    "mount -o remount,size=50% /dev/shm")
                : Finding.Ok("size", $"/dev/shm may hold {size}, of {ByteSize.Short(memory)} of memory.");
    }

    internal static Finding? HasRoom(Machine machine)
    {
        if (machine.Usage is not { TotalBytes: > 0 } usage)
        {
            // A ramfs has no limit; without an answer nothing is known.
            return machine.Usage is not null || !machine.Exists(Directory) ? null : new(
                "room", FindingLevel.Note, "How much room /dev/shm has, and how much is left, is unknown: statfs fails.",
                "When it is full, reserving fails with ENOSPC, and a process that writes to unreserved memory is killed by SIGBUS.", "Allow statfs in the filter (seccomp) of the container or service");
        }

        var percent = (int)(usage.UsedBytes * 100m / usage.TotalBytes);
        var what = string.Create(CultureInfo.InvariantCulture, $"/dev/shm is {percent} % full: {ByteSize.Short(usage.AvailableBytes)} left.");
        return percent < 75 ? Finding.Ok("room", what) : new(
            "room", percent < 90 ? FindingLevel.Note : FindingLevel.Warning, what,
            "When it is full, reserving fails with ENOSPC, and a process that writes to unreserved memory is killed by SIGBUS.",
            "shm df shows what fills it; shm gc lists objects that no process uses; mount -o remount,size=… /dev/shm makes it larger");
    }

    internal static Finding? HasInodes(Machine machine)
    {
        if (machine.Usage is not { TotalInodes: > 0 } usage)
        {
            return null;
        }

        var percent = (int)((usage.TotalInodes - usage.AvailableInodes) * 100m / usage.TotalInodes);
        var what = string.Create(CultureInfo.InvariantCulture, $"/dev/shm may hold {usage.TotalInodes} files, of which {usage.AvailableInodes} are left.");
        return percent < 75 ? Finding.Ok("inodes", what) : new(
            "inodes", percent < 90 ? FindingLevel.Note : FindingLevel.Warning, what,
            "When none is left, no object can be created, however small: shm_open fails with ENOSPC although df shows free bytes.",
            string.Create(CultureInfo.InvariantCulture, $"shm gc lists objects that no process uses; mount -o remount,nr_inodes={usage.TotalInodes * 2} /dev/shm"));
    }
}
