using System.Globalization;

namespace Posix.SharedMemory.Benchmarks;

/// <summary>Keeps a question from asking for more memory than there is: what is short of memory on Linux is killed, not refused.</summary>
internal static class FreeMemory
{
    /// <summary>What is left to the others on the machine, and to page tables.</summary>
    private const long Reserve = 2L << 30;

    /// <exception cref="PlatformNotSupportedException">There is less.</exception>
    internal static void Require(long bytes)
    {
        // The collector's limit is that of the control group, where there is one.
        var free = Math.Min(AvailableToTheMachine(), GC.GetGCMemoryInfo().TotalAvailableMemoryBytes);
        if (free < bytes + Reserve || SharedMemoryDirectory.GetUsage().AvailableBytes < bytes)
        {
            throw new PlatformNotSupportedException(string.Create(CultureInfo.InvariantCulture,
                $"{(bytes + Reserve) >> 20:N0} MiB of free memory are needed, {bytes >> 20:N0} of them in /dev/shm; free are {free >> 20:N0} and {SharedMemoryDirectory.GetUsage().AvailableBytes >> 20:N0}."));
        }
    }

    private static long AvailableToTheMachine() => Circumstances.MemoryInfo("MemAvailable");
}
