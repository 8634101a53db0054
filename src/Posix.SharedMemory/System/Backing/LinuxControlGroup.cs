using Posix.SharedMemory.Inspection;
using System.Text;

namespace Posix.SharedMemory;

/// <summary>
/// A control group that this process is in, and its limit of memory. Whoever takes more than that is killed, without an error: shared memory is charged to the
/// group of the process that touches it first.
/// </summary>
/// <param name="Directory">Where it is seen.</param>
/// <param name="IsUnified">Whether it is of version 2, in which all controllers have one hierarchy.</param>
/// <remarks>
/// Groups are looked for where systemd and container engines mount them, in both versions.
/// <see href="https://man7.org/linux/man-pages/man7/cgroups.7.html">cgroups(7)</see>
/// </remarks>
internal readonly record struct LinuxControlGroup(string Directory, bool IsUnified)
{
    private const string Mount = "/sys/fs/cgroup";

    /// <summary>Version 1 says "no limit" by the largest number of whole pages.</summary>
    private const long NoLimit = long.MaxValue / 2;

    /// <summary>The least that any group from this process's own up to the root has left; <see langword="null"/> where no group has a limit.</summary>
    /// <param name="root">What stands for the root directory, in a test.</param>
    internal static long? Available(long freeSwap, string root = "")
    {
        long? least = null;
        foreach (var group in OfThisProcess(root))
        {
            if (group.Left(freeSwap) is { } left && !(left >= least))
            {
                least = left;
            }
        }

        return least;
    }

    /// <summary>The smallest limit of any group from this process's own up to the root; <see langword="null"/> where no group has one.</summary>
    /// <param name="root">What stands for the root directory, in a test.</param>
    internal static MemoryLimit? Smallest(string root = "")
    {
        MemoryLimit? smallest = null;
        foreach (var group in OfThisProcess(root))
        {
            if (group.Limit() is { } limit && !(limit.LimitBytes >= smallest?.LimitBytes))
            {
                smallest = limit;
            }
        }

        return smallest;
    }

    private static List<LinuxControlGroup> OfThisProcess(string root)
    {
        var groups = new List<LinuxControlGroup>();
        if (!LinuxText.TryRead($"{root}/proc/self/cgroup", out var text))
        {
            return groups;
        }

        using (text)
        {
            foreach (var line in text.Lines())
            {
                // 0::/path, or in version 1 N:memory,other:/path.
                var fields = Encoding.UTF8.GetString(text[line]).Split(':', 3);
                var isUnified = fields is ["0", "", _];
                if (isUnified || (fields is [_, var controllers, _] && controllers.Split(',').Contains("memory", StringComparer.Ordinal)))
                {
                    AddUpToTheRoot(groups, root + (isUnified ? Mount : $"{Mount}/memory"), fields[2], isUnified);
                }
            }
        }

        return groups;
    }

    private static void AddUpToTheRoot(List<LinuxControlGroup> groups, string mount, string path, bool isUnified)
    {
        // In a container the path may be the one outside, and the mount shows the container's own group as its root.
        for (var group = path.TrimEnd('/'); ; group = group[..group.LastIndexOf('/')])
        {
            groups.Add(new(mount + group, isUnified));
            if (group.Length == 0)
            {
                return;
            }
        }
    }

    private MemoryLimit? Limit()
    {
        var (limitFile, usedFile) = IsUnified ? ("memory.max", "memory.current") : ("memory.limit_in_bytes", "memory.usage_in_bytes");
        return Number(limitFile) is { } limit && Number(usedFile) is { } used ? new(limit, used) : null;
    }

    private long? Left(long freeSwap)
    {
        if (Limit() is not { } limit || Reclaimable() is not { } reclaimable)
        {
            return null;
        }

        var left = limit.LimitBytes - limit.UsedBytes;
        return Math.Max(0, left + reclaimable + Swap(left, freeSwap));
    }

    /// <summary>Pages of files can be dropped and read again; memory that is shared cannot, although it is counted with them.</summary>
    private long? Reclaimable()
    {
        if (!LinuxText.TryRead($"{Directory}/memory.stat", out var text))
        {
            return null;
        }

        using (text)
        {
            var (cached, shared) = IsUnified ? (text.NumberBehind("file "u8), text.NumberBehind("shmem "u8)) : (text.NumberBehind("total_cache "u8), text.NumberBehind("total_shmem "u8));
            return Math.Max(0, (cached ?? 0) - (shared ?? 0));
        }
    }

    private long Swap(long leftWithoutSwap, long freeSwap)
    {
        if (IsUnified)
        {
            return Number("memory.swap.max") is { } limit ? Math.Min(freeSwap, Math.Max(0, limit - (Number("memory.swap.current") ?? 0))) : freeSwap;
        }

        return Number("memory.memsw.limit_in_bytes") is { } both && Number("memory.memsw.usage_in_bytes") is { } used
            ? Math.Clamp(both - used - leftWithoutSwap, 0, freeSwap)
            : freeSwap;
    }

    /// <summary>A number in a file of the group; <see langword="null"/> where there is no file or no limit.</summary>
    private long? Number(string file) => LinuxText.ReadNumber($"{Directory}/{file}") is { } number and < NoLimit ? number : null;
}
