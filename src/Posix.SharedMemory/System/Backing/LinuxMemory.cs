using Posix.SharedMemory.Interop;

namespace Posix.SharedMemory;

/// <summary>How much memory the machine, and the control groups of this process, could still give.</summary>
/// <remarks>
/// Each source that can be read counts, and none that is missing ends the search. What could be reclaimed counts as available, so that a request
/// is refused only where it cannot succeed as far as the system says; everything else is left to the kernel.
/// </remarks>
internal static class LinuxMemory
{
    /// <summary>Describes what is too short for a request; <see langword="null"/> where it fits, or where nothing says that it does not.</summary>
    /// <param name="needed">How many bytes are requested.</param>
    /// <param name="reserve">How many bytes must be left besides.</param>
    /// <param name="root">What stands for the root directory, in a test.</param>
    internal static string? Shortage(long needed, long reserve, string root = "")
    {
        var hasCounters = TryReadCounters(out var counters);
        var machine = MostOfMachine(counters, hasCounters, root, out var freeSwap);
        return needed > machine - reserve ? $"at most {machine} bytes of memory available on this machine"
            : LinuxControlGroup.Most(freeSwap, root) is { } allowed && needed > allowed - reserve
                ? $"at most {allowed} bytes left below the memory limit of this process's control group"
            : null;
    }

    /// <summary>The most that the machine could give, free swap included; <see langword="null"/> where nothing can be read.</summary>
    /// <param name="counters">The kernel's own counters.</param>
    /// <param name="hasCounters">Whether those could be read.</param>
    /// <param name="root">What stands for the root directory, in a test.</param>
    /// <param name="freeSwap">How much swap is free.</param>
    internal static long? MostOfMachine(in LinuxSysinfo counters, bool hasCounters, string root, out long freeSwap)
    {
        var unit = Math.Max(1L, counters.mem_unit);
        var meminfo = $"{root}/proc/meminfo";
        var available = ReadMeminfo(meminfo, out freeSwap);
        if (available is null || !IsKernels(meminfo))
        {
            // What the kernel itself says of its nodes is available, whatever a file says that was mounted over its own. The kernel's own estimate is closer than theirs, which counts what it keeps in reserve.
            available = Larger(available, ReadNodes($"{root}/sys/devices/system/node"));
        }

        if (hasCounters)
        {
            freeSwap = Math.Max(freeSwap, (long)counters.freeswap * unit);
            // What is free now is available, whatever an estimate says: meminfo may be another file that was mounted there. Without an estimate
            // only memory that is shared is known not to be reclaimable.
            var free = (long)(counters.freeram + counters.bufferram) * unit;
            available = Math.Max(free, available ?? ((long)(counters.totalram - Math.Min(counters.totalram, counters.sharedram)) * unit));
        }

        return available is { } known ? known + freeSwap + ReadZfsCache($"{root}/proc/spl/kstat/zfs/arcstats") : null;
    }

    private static long? Larger(long? one, long? other) => one is null || other > one ? other : one;

    /// <summary>Returns whether a file in /proc is the kernel's own, and not another one that was mounted there (by LXCFS, for example).</summary>
    internal static bool IsKernels(string path)
    {
        try
        {
            return new DriveInfo(path).DriveFormat == "proc";
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // A filter may refuse statfs.
            return true;
        }
    }

    /// <remarks><see href="https://man7.org/linux/man-pages/man2/sysinfo.2.html">sysinfo(2)</see> needs no /proc.</remarks>
    private static bool TryReadCounters(out LinuxSysinfo counters) => Libc.sysinfo_linux(out counters) == 0;

    /// <remarks><see href="https://man7.org/linux/man-pages/man5/proc_meminfo.5.html">proc_meminfo(5)</see></remarks>
    private static long? ReadMeminfo(string path, out long freeSwap)
    {
        freeSwap = 0;
        if (!LinuxText.TryRead(path, out var text))
        {
            return null;
        }

        using (text)
        {
            freeSwap = 1024 * (text.NumberAfter("SwapFree:"u8) ?? 0);
            return 1024 * text.NumberAfter("MemAvailable:"u8);
        }
    }

    /// <summary>Adds up what the memory nodes have free or can reclaim, where /proc shows nothing but processes (<c>subset=pid</c>).</summary>
    private static long? ReadNodes(string directory)
    {
        string[] nodes;
        try
        {
            nodes = Directory.Exists(directory) ? Directory.GetDirectories(directory, "node*") : [];
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // Hidden, or refused by a filter.
            return null;
        }

        long? sum = null;
        foreach (var node in nodes)
        {
            if (LinuxText.TryRead($"{node}/meminfo", out var text))
            {
                using (text)
                {
                    // "Node 0 MemFree:         3537380 kB"
                    sum = (sum ?? 0) + (1024 * (Of(text, "MemFree:"u8) + Of(text, "Active(file):"u8) + Of(text, "Inactive(file):"u8) + Of(text, "SReclaimable:"u8)));
                }
            }
        }

        return sum;

        static long Of(LinuxText text, ReadOnlySpan<byte> word) => text.NumberAfterWord(word) ?? 0;
    }

    /// <summary>What ZFS keeps of files beyond its least: it gives that back under pressure, but the kernel counts it as used.</summary>
    private static long ReadZfsCache(string path)
    {
        if (!LinuxText.TryRead(path, out var text))
        {
            return 0;
        }

        using (text)
        {
            // "size                            4    2085331432": the type, then the value.
            return Math.Max(0, (Of(text, "size "u8) ?? 0) - (Of(text, "c_min "u8) ?? long.MaxValue));
        }

        static long? Of(LinuxText text, ReadOnlySpan<byte> name)
        {
            var line = text.LineAfter(name).TrimStart((byte)' ');
            return line.IndexOf((byte)' ') is > 0 and var at ? LinuxText.NumberIn(line[at..]) : null;
        }
    }
}
