using Posix.SharedMemory.Inspection;

namespace Posix.SharedMemory;

/// <summary>
/// A control group that this process is in, and its limit of memory. A process that takes more is killed or held up, without an error: shared memory is charged to the
/// group of the process that touches it first.
/// </summary>
/// <param name="Directory">Where it is seen.</param>
/// <param name="IsUnified">Whether it is of version 2, in which all controllers have one hierarchy.</param>
/// <remarks>
/// <see href="https://docs.kernel.org/admin-guide/cgroup-v2.html">Version 2</see>, <see href="https://docs.kernel.org/admin-guide/cgroup-v1/memory.html">version 1</see>.
/// </remarks>
internal readonly record struct LinuxControlGroup(string Directory, bool IsUnified)
{
    /// <summary>What the kernel keeps for the processes themselves, at least: page tables, stacks, descriptors. None of it can be taken back while they live.</summary>
    private const long KernelOfProcesses = 4 << 20;

    /// <summary>Version 1 says "no limit" by the largest number of whole pages.</summary>
    private const long NoLimit = long.MaxValue / 2;

    /// <summary>The most that this process could take before a group from its own up to the root is at its limit; <see langword="null"/> where no group has a limit.</summary>
    /// <param name="freeSwap">How much swap the machine has free.</param>
    /// <param name="root">What stands for the root directory, in a test.</param>
    internal static long? Most(long freeSwap, string root = "")
    {
        long? least = null;
        foreach (var group in LinuxControlGroups.OfThisProcess(root))
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
        foreach (var group in LinuxControlGroups.OfThisProcess(root))
        {
            if (group.LimitBytes() is { } limit && !(limit >= smallest?.LimitBytes))
            {
                smallest = new(limit, group.UsedBytes() ?? 0);
            }
        }

        return smallest;
    }

    /// <summary>The limit: in version 2 also the one from which on a process is slowed down until it stops (<c>memory.high</c>).</summary>
    private long? LimitBytes() => IsUnified
        ? Least(Number("memory.max"), Number("memory.high"))
        // The second is that of all groups above too, even of those that a container does not show.
        : Least(Number("memory.limit_in_bytes"), Statistic("hierarchical_memory_limit "u8));

    private long? UsedBytes() => Number(IsUnified ? "memory.current" : "memory.usage_in_bytes");

    private long? Left(long freeSwap)
    {
        if (LimitBytes() is not { } limit)
        {
            return null;
        }

        if (UsedBytes() is not { } used)
        {
            // More than the limit and all of the swap never fits.
            return limit + Swap(limit, freeSwap);
        }

        var left = limit - used;
        return Math.Max(0, left + Math.Min(used, Reclaimable(used)) + Swap(left, freeSwap));
    }

    /// <summary>How much of what is used the kernel could take back at most. Shared memory is not among it, although version 1 counts it with the pages of files.</summary>
    private long Reclaimable(long used)
    {
        if (!LinuxText.TryRead($"{Directory}/memory.stat", out var text))
        {
            return used;
        }

        using (text)
        {
            return IsUnified
                ? Sum(text, "active_file "u8, "inactive_file "u8, "slab_reclaimable "u8) ?? used
                : Sum(text, "total_active_file "u8, "total_inactive_file "u8, default) + Kernel(text, used) ?? used;
        }
    }

    /// <summary>What the kernel itself has taken for this group. Version 1 does not say how much of that is reclaimable: caches of names and inodes are.</summary>
    private long Kernel(LinuxText statistics, long used)
    {
        var kernel = Number("memory.kmem.usage_in_bytes")
            ?? used - (statistics.NumberAfter("total_rss "u8) ?? 0) - (statistics.NumberAfter("total_cache "u8) ?? 0);
        return Math.Max(0, kernel - KernelOfProcesses);
    }

    private long Swap(long leftWithoutSwap, long freeSwap)
    {
        if (IsUnified)
        {
            return Least(Number("memory.swap.max"), Number("memory.swap.high")) is { } limit
                ? Math.Min(freeSwap, Math.Max(0, limit - (Number("memory.swap.current") ?? 0)))
                : freeSwap;
        }

        return Number("memory.memsw.limit_in_bytes") is { } both && Number("memory.memsw.usage_in_bytes") is { } used
            ? Math.Clamp(both - used - leftWithoutSwap, 0, freeSwap)
            : freeSwap;
    }

    /// <summary>The sum of the numbers after these words; <see langword="null"/> where the file has none of the first two.</summary>
    private static long? Sum(LinuxText text, ReadOnlySpan<byte> first, ReadOnlySpan<byte> second, ReadOnlySpan<byte> third) =>
        text.NumberAfter(first) is { } one && text.NumberAfter(second) is { } two
            ? one + two + (third.IsEmpty ? 0 : text.NumberAfter(third) ?? 0)
            : null;

    private long? Statistic(ReadOnlySpan<byte> word)
    {
        if (!LinuxText.TryRead($"{Directory}/memory.stat", out var text))
        {
            return null;
        }

        using (text)
        {
            return text.NumberAfter(word) is { } number and < NoLimit ? number : null;
        }
    }

    private static long? Least(long? one, long? other) => one is null || other < one ? other : one;

    /// <summary>A number in a file of the group; <see langword="null"/> where there is no file or no limit.</summary>
    private long? Number(string file) => LinuxText.ReadNumber($"{Directory}/{file}") is { } number and < NoLimit ? number : null;
}
