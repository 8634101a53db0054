using System.Globalization;

namespace Posix.SharedMemory.Tool;

/// <summary>Is /dev/shm there, is it memory, may everybody use it, is there room in it?</summary>
internal static class DirectoryChecks
{
    private const string Directory = "/dev/shm";
    private const long DockerDefault = 64 << 20;
    private const string Remount = "mount -t tmpfs -o mode=1777,nosuid,nodev tmpfs /dev/shm";

    internal static Finding IsThere(Machine machine) => machine.Exists(Directory)
        ? Finding.Ok("directory", "/dev/shm is there.")
        : new("directory", FindingLevel.Warning, "There is no /dev/shm.", "shm_open fails with ENOENT: no program here can share memory by name.", $"mkdir -m 1777 /dev/shm && {Remount}");

    internal static Finding? IsMemory(Machine machine) => !machine.Exists(Directory) ? null
        : machine.Mount(Directory) is { Type: "tmpfs" or "ramfs" } mount ? Finding.Ok("memory", $"/dev/shm is a {mount.Type}: its contents are memory.")
        : new(
            "memory", FindingLevel.Warning,
            machine.Mount(Directory) is { } other ? $"/dev/shm is of type {other.Type}, not tmpfs." : "Nothing is mounted on /dev/shm: it is a directory of the file system around it.",
            "Objects are files there: they may be written to a disk, survive a reboot, and count as something else than memory. Opening what is no memory may be refused.",
            Remount);

    internal static Finding? IsOpenToAll(Machine machine)
    {
        const UnixFileMode Wanted = (UnixFileMode)0x3FF;
        if (machine.ModeOf(Directory) is not { } mode)
        {
            return null;
        }

        var text = ModeText.Octal(mode);
        return (mode & Wanted) == Wanted ? Finding.Ok("mode", $"/dev/shm has mode {text}: everybody may make objects, and remove his own.")
            : (mode | UnixFileMode.StickyBit) == mode
                ? new("mode", FindingLevel.Warning, $"/dev/shm has mode {text}.", "Some users cannot make objects: shm_open fails with EACCES.", "chmod 1777 /dev/shm")
                : new("mode", FindingLevel.Warning, $"/dev/shm has mode {text}, without the sticky bit.", "Who may write there can remove and replace the objects of others.", "chmod 1777 /dev/shm");
    }

    internal static Finding? IsWritable(Machine machine) => machine.Mount(Directory) is { } mount && mount.Options.Contains("ro", StringComparer.Ordinal)
        ? new("read-only", FindingLevel.Warning, "/dev/shm is mounted read-only.", "shm_open with O_CREAT fails with EROFS.", "mount -o remount,rw /dev/shm (in Docker: --tmpfs /dev/shm:rw,mode=1777 beside --read-only)")
        : null;

    internal static Finding? MayExecute(Machine machine) => machine.Mount(Directory) is not { } mount ? null
        : mount.Options.Contains("noexec", StringComparer.Ordinal)
            ? new(
                "noexec", FindingLevel.Note, "/dev/shm is mounted noexec.",
                "mmap with PROT_EXEC fails with EPERM there. Data is not concerned; programs that keep machine code in shared memory are (libffi, some databases and language runtimes).",
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
                "Who reserves more fails with ENOSPC. Who writes into unreserved memory beyond it is killed by SIGBUS (\"bus error\"), in the middle of a store.",
                "docker run --shm-size=1g; in a compose file, shm_size: 1gb; in Kubernetes, an emptyDir with medium: Memory mounted on /dev/shm; on a machine, mount -o remount,size=1g /dev/shm");
        }

        if (machine.Memory("MemTotal") is not { } memory)
        {
            return Finding.Ok("size", $"/dev/shm may hold {size}.");
        }

        var all = memory + (machine.Memory("SwapTotal") ?? 0);
        return usage.TotalBytes < memory / 16
            ? new(
                "size", FindingLevel.Note, $"/dev/shm may hold {size}, on a machine with {ByteSize.Short(memory)} of memory.",
                "What does not fit fails with ENOSPC, or with SIGBUS where it was not reserved, while there is memory enough.",
                "mount -o remount,size=50% /dev/shm, and the same in /etc/fstab: tmpfs /dev/shm tmpfs defaults,size=50% 0 0")
            : usage.TotalBytes > all * 9 / 10
                ? new(
                    "size", FindingLevel.Note, $"/dev/shm may hold {size}, which is nearly all memory and swap ({ByteSize.Short(all)}) or more.",
                    "It is never full: the machine runs out of memory before, and the kernel kills a process instead of failing with ENOSPC.",
                    "mount -o remount,size=50% /dev/shm")
                : Finding.Ok("size", $"/dev/shm may hold {size}, of {ByteSize.Short(memory)} of memory.");
    }

    internal static Finding? HasRoom(Machine machine)
    {
        if (machine.Usage is not { TotalBytes: > 0 } usage)
        {
            return null;
        }

        var percent = (int)(usage.UsedBytes * 100m / usage.TotalBytes);
        var what = string.Create(CultureInfo.InvariantCulture, $"/dev/shm is {percent} % full: {ByteSize.Short(usage.AvailableBytes)} left.");
        return percent < 75 ? Finding.Ok("room", what) : new(
            "room", percent < 90 ? FindingLevel.Note : FindingLevel.Warning, what,
            "When it is full, reserving fails with ENOSPC, and writing into unreserved memory is SIGBUS.",
            "shm df shows what fills it; shm gc shows what nobody holds; mount -o remount,size=… /dev/shm makes it larger");
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
            "When none is left, nothing can be made there, however small: shm_open fails with ENOSPC while df shows free bytes.",
            string.Create(CultureInfo.InvariantCulture, $"shm gc shows what nobody holds; mount -o remount,nr_inodes={usage.TotalInodes * 2} /dev/shm"));
    }
}
