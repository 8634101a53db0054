using System.Globalization;

namespace Posix.SharedMemory.Campaign;

/// <summary>The shortages that this user can make on this machine.</summary>
internal sealed partial class Shortages : IDisposable
{
    private readonly Session _session;
    private readonly ReadableCopy _copy = new();
    private readonly List<TemporaryDirectory> _directories = [];

    internal Shortages(Session session)
    {
        _session = session;
        All = [.. Limits(), .. Rooms(), .. Settings(), .. FileSystems(), .. HiddenProc(), .. ForeignLocks()];
    }

    internal IReadOnlyList<Shortage> All { get; }

    public void Dispose()
    {
        _copy.Dispose();
        foreach (var directory in _directories)
        {
            directory.Dispose();
        }
    }

    private IEnumerable<Shortage> Limits()
    {
        if (!Installed.Has("prlimit"))
        {
            _session.Skip("limits: prlimit is not installed");
            yield break;
        }

        yield return new("short of descriptors", "EMFILE")
        {
            Start = StartFrugal,
            Limit = (peer, random) => $"--nofile={Actor.Text(10 + random.Next(Directory.GetFileSystemEntries($"/proc/{peer.ProcessId}/fd").Length))}:",
            Lift = "--nofile=1024:",
        };

        // The runtime needs some for itself: threads, code.
        yield return new("short of address space", "ENOMEM") { Start = StartFrugal, Limit = (peer, random) => $"--as={Actor.Text(SizeOf(peer) + (64 << 20) + random.Next(256 << 20))}:", Lift = "--as=unlimited:" };
        yield return new("short of file size", "EFBIG");
        if (Environment.IsPrivilegedProcess && Privileged.StrangerObstacle is { } obstacle)
        {
            _session.Skip($"locked memory: root has no limit. {obstacle}");
            yield break;
        }

        yield return new("short of locked memory", "ENOMEM", "EPERM", "EAGAIN")
        {
            Start = StartUnprivileged,
            Limit = (_, random) => $"--memlock={Actor.Text(random.Next(3) * 4096)}:",
        };
    }

    private IEnumerable<Shortage> Rooms()
    {
        if (Privileged.NamespaceObstacle is { } obstacle)
        {
            _session.Skip($"a full /dev/shm: {obstacle}");
        }
        else
        {
            yield return new("in a full /dev/shm", "ENOSPC", "ENOMEM") { Start = arguments => StartInside("mount -t tmpfs -o size=256k,mode=1777 tmpfs /dev/shm", arguments) };
            yield return new("in a /dev/shm without inodes", "ENOSPC") { Start = arguments => StartInside("mount -t tmpfs -o size=64m,nr_inodes=6,mode=1777 tmpfs /dev/shm", arguments) };
        }

        const long GroupLimit = 160 << 20;
        using (var group = TemporaryControlGroup.TryCreate(GroupLimit, out var groupObstacle))
        {
            if (group is null)
            {
                _session.Skip($"a small control group: {groupObstacle}");
                yield break;
            }
        }

        TemporaryControlGroup? current = null;
        yield return new("in a small control group", "ENOMEM")
        {
            Around = () => current = TemporaryControlGroup.TryCreate(GroupLimit, out _),
            Start = arguments => current!.StartLine($"'{Actor.Program}' actor {string.Join(' ', arguments)}"),
        };
    }

    private IEnumerable<Shortage> Settings()
    {
        if (Privileged.NamespaceObstacle is null && File.Exists("/proc/sys/vm/memfd_noexec"))
        {
            foreach (var level in new[] { 1, 2 })
            {
                yield return new($"with vm.memfd_noexec {Actor.Text(level)}", level == 2 ? ["EACCES"] : [])
                {
                    Start = arguments => Peer.Run(
                        "unshare", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc", "sh", "-c",
                        $"[ $(cat /proc/sys/vm/memfd_noexec) -ge {Actor.Text(level)} ] || echo {Actor.Text(level)} > /proc/sys/vm/memfd_noexec && '{Actor.Program}' actor {string.Join(' ', arguments)}"),
                };
            }
        }
        else
        {
            _session.Skip("vm.memfd_noexec: it is not there, or this user cannot set it");
        }

        foreach (var level in new[] { "1", "2" })
        {
            using (var setting = KernelSetting.TrySet(KernelSetting.ProtectedRegular, level, out var obstacle))
            {
                if (setting is null)
                {
                    _session.Skip($"fs.protected_regular: {obstacle}");
                    yield break;
                }
            }

            yield return new($"with fs.protected_regular {level}") { Around = () => KernelSetting.TrySet(KernelSetting.ProtectedRegular, level, out _), Start = StartUnprivileged };
        }
    }

    private Peer StartUnprivileged(string[] arguments) => Environment.IsPrivilegedProcess
        ? Privileged.RunAs(Privileged.Stranger, _copy.PathOf(Actor.Program), ["actor", .. arguments])
        : Actor.Start(arguments);

    /// <summary>With a runtime that compiles once, and maps its code once.</summary>
    private static Peer StartFrugal(string[] arguments) =>
        Peer.Run("env", ["DOTNET_EnableWriteXorExecute=0", "DOTNET_TieredCompilation=0", Actor.Program, "actor", .. arguments]);

    private static Peer StartInside(string mount, string[] arguments) =>
        Peer.Run("unshare", "--mount", "--propagation", "private", "sh", "-c", $"{mount} && exec '{Actor.Program}' actor {string.Join(' ', arguments)}");

    private static long SizeOf(Peer peer) => 1024 * long.Parse(
        File.ReadLines($"/proc/{peer.ProcessId}/status").First(line => line.StartsWith("VmSize:", StringComparison.Ordinal)).Split((char[])[' ', '\t'], StringSplitOptions.RemoveEmptyEntries)[1],
        CultureInfo.InvariantCulture);
}
