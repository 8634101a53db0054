using System.Globalization;

namespace Posix.SharedMemory;

/// <summary>
/// How much memory the control groups allow this process still. Whoever asks for more is killed, without an error: shared memory is charged to the
/// group of the process that touches it first.
/// </summary>
/// <remarks>
/// Limits are looked for where systemd and container engines mount them, in both versions.
/// <see href="https://man7.org/linux/man-pages/man7/cgroups.7.html">cgroups(7)</see>
/// </remarks>
internal static class LinuxControlGroup
{
    private const string Mount = "/sys/fs/cgroup";

    /// <summary>Version 1 says "no limit" by the largest number of whole pages.</summary>
    private const long NoLimit = long.MaxValue / 2;

    /// <summary>The least that any group from this process's own up to the root has left; <see langword="null"/> where no group has a limit.</summary>
    internal static long? Available(long freeSwap)
    {
        try
        {
            foreach (var line in File.ReadLines("/proc/self/cgroup"))
            {
                var fields = line.Split(':', 3);
                if (fields is ["0", "", var path] && File.Exists($"{Mount}/cgroup.controllers"))
                {
                    return Least(Mount, path, group => LeftBelow(group, freeSwap));
                }

                if (fields is [_, var controllers, var oldPath] && controllers.Split(',').Contains("memory", StringComparer.Ordinal))
                {
                    return Least($"{Mount}/memory", oldPath, group => LeftBelowInVersion1(group, freeSwap));
                }
            }
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or FormatException or OverflowException)
        {
            // What cannot be read limits nothing that we know of.
            return null;
        }

        return null;
    }

    private static long? Least(string mount, string path, Func<string, long?> left)
    {
        long? least = null;
        // In a container the path may be the one outside, and the mount shows the container's own group as its root.
        for (var group = path.TrimEnd('/'); ; group = group[..group.LastIndexOf('/')])
        {
            if (left(mount + group) is { } here && !(here > least))
            {
                least = here;
            }

            if (group.Length == 0)
            {
                return least;
            }
        }
    }

    private static long? LeftBelow(string group, long freeSwap)
    {
        if (Number($"{group}/memory.max") is not { } limit || Number($"{group}/memory.current") is not { } used)
        {
            return null;
        }

        var swap = Number($"{group}/memory.swap.max") is { } swapLimit
            ? Math.Min(freeSwap, Math.Max(0, swapLimit - (Number($"{group}/memory.swap.current") ?? 0)))
            : freeSwap;
        return Math.Max(0, limit - used + Reclaimable(group, "file", "shmem") + swap);
    }

    private static long? LeftBelowInVersion1(string group, long freeSwap)
    {
        if (Number($"{group}/memory.limit_in_bytes") is not { } limit || Number($"{group}/memory.usage_in_bytes") is not { } used)
        {
            return null;
        }

        var left = limit - used + Reclaimable(group, "total_cache", "total_shmem");
        var swap = Number($"{group}/memory.memsw.limit_in_bytes") is { } bothLimit && Number($"{group}/memory.memsw.usage_in_bytes") is { } bothUsed
            ? Math.Clamp(bothLimit - bothUsed - (limit - used), 0, freeSwap)
            : freeSwap;
        return Math.Max(0, left + swap);
    }

    /// <summary>Pages of files can be dropped and read again; memory that is shared cannot, although it is counted with them.</summary>
    private static long Reclaimable(string group, string files, string shared)
    {
        long cached = 0, kept = 0;
        foreach (var line in File.ReadLines($"{group}/memory.stat"))
        {
            if (line.Split(' ') is [var key, var value])
            {
                cached = key == files ? Parse(value) : cached;
                kept = key == shared ? Parse(value) : kept;
            }
        }

        return Math.Max(0, cached - kept);
    }

    /// <summary>A number in a file; <see langword="null"/> where there is no file or no limit.</summary>
    private static long? Number(string path) =>
        File.Exists(path) && File.ReadAllText(path).Trim() is var text && text != "max" && Parse(text) is var number and < NoLimit ? number : null;

    private static long Parse(string text) => long.Parse(text, NumberStyles.None, CultureInfo.InvariantCulture);
}
