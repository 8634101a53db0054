namespace Posix.SharedMemory.Tool.Tests;

/// <summary>The room that a test needs in /dev/shm, which has only 64 MiB in many containers.</summary>
internal static class Room
{
    /// <summary>Skips the test, with a reason that shows, if less is free.</summary>
    internal static void SkipUnlessFree(long bytes)
    {
        var usage = SharedMemoryDirectory.GetUsage();
        Skip.If(
            usage.TotalBytes > 0 && usage.AvailableBytes < bytes,
            $"This test needs {ByteSize.Short(bytes)} in /dev/shm, which has {ByteSize.Short(usage.AvailableBytes)} left. In Docker, --shm-size=1g gives it more.");
    }
}
