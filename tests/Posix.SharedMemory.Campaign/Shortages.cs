using System.Globalization;
using Posix.SharedMemory.Interop;

namespace Posix.SharedMemory.Campaign;

/// <summary>The shortages that can be had on this machine by this user.</summary>
internal sealed class Shortages : IDisposable
{
    private readonly Session _session;
    private readonly DirectoryInfo _directory = Directory.CreateTempSubdirectory("filter");
    private readonly ReadableCopy _copy = new();

    internal Shortages(Session session)
    {
        _session = session;
        All = [.. Limits(), .. Filters(), .. Rooms(), .. Settings()];
    }

    internal IReadOnlyList<Shortage> All { get; }

    public void Dispose()
    {
        _copy.Dispose();
        _directory.Delete(recursive: true);
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

    private IEnumerable<Shortage> Filters()
    {
        var filter = Path.Combine(_directory.FullName, "filter");
        try
        {
            using var compiler = Peer.Run("cc", "-O2", "-Wall", "-o", filter, Path.Combine(AppContext.BaseDirectory, "launcher", "filter.c"));
            var (exitCode, _, errors) = compiler.Finish();
            if (exitCode != 0)
            {
                _session.Skip($"filters: {errors}");
                yield break;
            }
        }
        catch (System.ComponentModel.Win32Exception)
        {
            _session.Skip("filters (seccomp): no C compiler is installed");
            yield break;
        }

        foreach (var (call, number, errors) in ((string, nint, string[])[])
            [
                ("memfd_create", Linux.SYS_memfd_create, ["unsupported", "EPERM"]), ("renameat2", Linux.SYS_renameat2, ["unsupported", "ENOSYS", "EPERM", "EACCES"]),
                ("process_vm_readv", Number(310, 270), []), ("copy_file_range", Number(326, 285), ["EPERM"]), ("sendfile", Number(40, 71), ["EPERM"]), ("cachestat", Linux.SYS_cachestat, []),
            ])
        {
            foreach (var (errno, name) in new[] { (Errno.ENOSYS, "ENOSYS"), (Errno.EPERM, "EPERM") })
            {
                yield return new($"with {call} filtered, as {name}", errors)
                {
                    Start = arguments => Peer.Run(filter, [Actor.Text(errno.ToNative()), Actor.Text(number), "--", Actor.Program, "actor", .. arguments]),
                };
            }
        }
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

    private static nint Number(int x64, int arm64) => System.Runtime.InteropServices.RuntimeInformation.ProcessArchitecture == System.Runtime.InteropServices.Architecture.X64 ? x64 : arm64;

    private static long SizeOf(Peer peer) => 1024 * long.Parse(
        File.ReadLines($"/proc/{peer.ProcessId}/status").First(line => line.StartsWith("VmSize:", StringComparison.Ordinal)).Split((char[])[' ', '\t'], StringSplitOptions.RemoveEmptyEntries)[1],
        CultureInfo.InvariantCulture);
}
