using System.Globalization;

namespace Posix.SharedMemory;

/// <summary>How much memory the machine could still give, by the kernel's own estimate.</summary>
internal static class LinuxMemory
{
    /// <summary>Whether a request is so large that reading the estimate costs nothing beside it.</summary>
    internal static bool IsWorthAsking(long bytes) => bytes >= 64 << 20;

    /// <summary>Bytes available without pushing other programs out, free swap included; <see langword="null"/> where the kernel does not say.</summary>
    /// <remarks><see href="https://man7.org/linux/man-pages/man5/proc_meminfo.5.html">proc_meminfo(5)</see></remarks>
    internal static long? Available()
    {
        long? available = null;
        var swap = 0L;
        try
        {
            foreach (var line in File.ReadLines("/proc/meminfo"))
            {
                available ??= KibibytesOf(line, "MemAvailable:");
                swap += KibibytesOf(line, "SwapFree:") ?? 0;
            }
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // No /proc here: the kernel remains the only judge.
            return null;
        }

        return (available + swap) * 1024;
    }

    private static long? KibibytesOf(string line, string field) =>
        line.StartsWith(field, StringComparison.Ordinal)
            ? long.Parse(line.AsSpan(field.Length).TrimEnd("kB"), NumberStyles.AllowLeadingWhite | NumberStyles.AllowTrailingWhite, CultureInfo.InvariantCulture)
            : null;
}
