namespace Posix.SharedMemory;

/// <summary>How much memory the machine, and the control groups that this process is in, could still give.</summary>
internal static class LinuxMemory
{
    /// <summary>What is too short for a request, in words; <see langword="null"/> where it fits or nobody knows.</summary>
    /// <param name="needed">How much is asked for.</param>
    /// <param name="reserve">How much must be left besides.</param>
    internal static string? Shortage(long needed, long reserve)
    {
        if (Available(out var freeSwap) is not { } available)
        {
            // No /proc here: the kernel remains the only judge.
            return null;
        }

        return needed > available - reserve ? $"{available} bytes of memory available on this machine"
            : LinuxControlGroup.Available(freeSwap) is { } allowed && needed > allowed - reserve ? $"{allowed} bytes left below the memory limit of this process's control group"
            : null;
    }

    /// <summary>Bytes available without pushing other programs out, free swap included.</summary>
    /// <remarks><see href="https://man7.org/linux/man-pages/man5/proc_meminfo.5.html">proc_meminfo(5)</see></remarks>
    private static long? Available(out long freeSwap)
    {
        freeSwap = 0;
        if (!LinuxText.TryRead("/proc/meminfo", out var text))
        {
            return null;
        }

        using (text)
        {
            freeSwap = 1024 * (text.NumberBehind("SwapFree:"u8) ?? 0);
            return text.NumberBehind("MemAvailable:"u8) * 1024 + freeSwap;
        }
    }
}
