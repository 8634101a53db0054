namespace Posix.SharedMemory.Tool.Tests;

/// <summary>A directory that stands for the root of a machine without any trouble, in which tests cause one trouble after another.</summary>
internal sealed class FakeRoot : IDisposable
{
    private readonly string _path = Directory.CreateTempSubdirectory("root").FullName;

    internal FakeRoot()
    {
        Directory.CreateDirectory(_path + "/dev/shm");
        File.SetUnixFileMode(_path + "/dev/shm", (UnixFileMode)0x3FF);
        Write("/proc/self/mounts", "proc /proc proc rw,relatime 0 0\ntmpfs /dev/shm tmpfs rw,nosuid,nodev,size=4194304k,huge=advise 0 0\n");
        Write("/proc/self/status", "Name:\tshm\nUid:\t1000\t1000\t1000\t1000\nCapEff:\t0000000000000000\nSeccomp:\t0\n");
        Write("/proc/meminfo", "MemTotal:        8388608 kB\nMemFree:         1000000 kB\nSwapTotal:       2097152 kB\nHugePages_Total:       0\nHugePages_Free:        0\nHugepagesize:       2048 kB\n");
        Write("/proc/self/limits", Limits());
        Write("/proc/sys/fs/protected_regular", "0\n");
        Write("/proc/sys/vm/memfd_noexec", "0\n");
        Write("/sys/kernel/mm/transparent_hugepage/shmem_enabled", "always within_size [advise] never deny force\n");
        Write("/etc/passwd", "root:x:0:0:root:/root:/bin/sh\nalice:x:1000:1000::/nonexistent:/bin/sh\n");
        Write("/etc/login.defs", "# accounts\nSYS_UID_MAX\t\t  499\n");
        Write("/etc/systemd/logind.conf", "[Login]\n#RemoveIPC=yes\nRemoveIPC=no\n");
        Directory.CreateDirectory(_path + "/run/systemd/system");
    }

    /// <summary>Gets the machine with this root.</summary>
    internal Machine Machine => Make(new(4L << 30, 1L << 30, 3L << 30) { TotalInodes = 1000, AvailableInodes = 900 });

    internal Machine Make(SharedMemoryUsage usage) => new(_path) { Usage = usage, AnonymousMemory = default(Errno) };

    internal Machine MakeOn(string? fileSystem) => new(_path) { Usage = new(4L << 30, 1L << 30, 3L << 30), AnonymousMemory = default(Errno), FileSystem = fileSystem };

    internal void Link(string path, string target)
    {
        Directory.CreateDirectory(_path + target);
        // Relative, so that it leads to the same place inside this root; the target is that of a link on a real machine.
        File.CreateSymbolicLink(_path + path, Path.GetRelativePath(Path.GetDirectoryName(path)!, target));
    }

    internal Machine MakeLimited(MemoryLimit limit) => new(_path) { Usage = new(4L << 30, 1L << 30, 3L << 30), AnonymousMemory = default(Errno), MemoryLimit = limit };

    internal Machine Make(Errno? anonymous, IReadOnlyList<StaleObject> stale) => new(_path) { Usage = new(4L << 30, 1L << 30, 3L << 30), AnonymousMemory = anonymous, Stale = stale };

    internal Machine MakeWithDead(IReadOnlyList<DeadEnd> dead) => new(_path) { Usage = new(4L << 30, 1L << 30, 3L << 30), AnonymousMemory = default(Errno), DeadEnds = dead };

    internal Machine MakeUnsure(IReadOnlyList<StaleObject>? stale, int maybeStale, IReadOnlyList<DeadEnd>? dead, int unread) =>
        new(_path) { Usage = new(4L << 30, 1L << 30, 3L << 30), AnonymousMemory = default(Errno), Stale = stale, MaybeStale = maybeStale, DeadEnds = dead, Unread = unread };

    internal Machine MakeWithoutProc(SharedMemoryUsage? usage, long? memory, uint? creator) => new(_path) { Usage = usage, AnonymousMemory = default(Errno), TotalMemory = memory, Creator = creator };

    internal Machine MakeWithLocks((bool, bool, bool) locks) =>
        new(_path) { Usage = new(4L << 30, 1L << 30, 3L << 30) { TotalInodes = 1000, AvailableInodes = 900 }, AnonymousMemory = default(Errno), Locks = locks };

    internal static string Limits(string name = "", string soft = "unlimited") => string.Concat(
        ((string, string)[])[("Max file size", "unlimited"), ("Max open files", "1024"), ("Max locked memory", "67108864"), ("Max address space", "unlimited")]
            is var all ? all.Select(limit => $"{limit.Item1,-26}{(limit.Item1 == name ? soft : limit.Item2),-21}unlimited            bytes     \n") : []);

    internal void Write(string path, string text)
    {
        Directory.CreateDirectory(Path.GetDirectoryName(_path + path)!);
        File.WriteAllText(_path + path, text);
    }

    internal void Remove(string path)
    {
        if (Directory.Exists(_path + path))
        {
            Directory.Delete(_path + path, recursive: true);
        }
        else
        {
            File.Delete(_path + path);
        }
    }

    internal void SetMode(string path, int mode) => File.SetUnixFileMode(_path + path, (UnixFileMode)mode);

    public void Dispose() => Directory.Delete(_path, recursive: true);
}
