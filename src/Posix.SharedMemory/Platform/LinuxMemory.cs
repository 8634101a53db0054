using System.Globalization;

namespace Posix.SharedMemory;

/// <summary>How much memory the machine, and the control groups that this process is in, could still give.</summary>
internal static class LinuxMemory
{
    /// <summary>What is too short for a request, in words; <see langword="null"/> where it fits or nobody knows.</summary>
    internal static string? Shortage(long needed)
    {
        if (Available(out var freeSwap) is not { } available)
        {
            // No /proc here: the kernel remains the only judge.
            return null;
        }

        return needed > available ? $"{available} bytes of memory available on this machine"
            : LinuxControlGroup.Available(freeSwap) is { } allowed && needed > allowed ? $"{allowed} bytes left below the memory limit of this process's control group"
            : null;
    }

    /// <summary>Bytes available without pushing other programs out, free swap included.</summary>
    /// <remarks><see href="https://man7.org/linux/man-pages/man5/proc_meminfo.5.html">proc_meminfo(5)</see></remarks>
    private static long? Available(out long freeSwap)
    {
        long? available = null;
        freeSwap = 0;
        try
        {
            foreach (var line in File.ReadLines("/proc/meminfo"))
            {
                available ??= KibibytesOf(line, "MemAvailable:") * 1024;
                freeSwap += KibibytesOf(line, "SwapFree:") * 1024 ?? 0;
            }
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return null;
        }

        return available + freeSwap;
    }

    private static long? KibibytesOf(string line, string field) =>
        line.StartsWith(field, StringComparison.Ordinal)
            ? long.Parse(line.AsSpan(field.Length).TrimEnd("kB"), NumberStyles.AllowLeadingWhite | NumberStyles.AllowTrailingWhite, CultureInfo.InvariantCulture)
            : null;
}
