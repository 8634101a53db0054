using Posix.SharedMemory.Interop;
using static Posix.SharedMemory.Interop.Linux;

namespace Posix.SharedMemory;

/// <summary>Linux: whether what is asked for fits into the file system and the machine, found before the kernel starts to look for it.</summary>
/// <remarks>
/// The kernel would find out too, but only after it has pushed everything else out of memory; and where the file system may hold more than the
/// machine has, it would kill a process instead. Files on disk, and huge pages, the kernel refuses at once, and by better knowledge.
/// </remarks>
internal sealed class LinuxRoom(LinuxFiles files, LinuxPages pages)
{
    /// <summary>From here on a request is measured against what is free.</summary>
    private const long WorthMeasuring = 1 << 20;

    /// <summary>So much may be reserved without measuring what the machine has left.</summary>
    private const long MeasuringStep = 4 << 20;

    /// <summary>What has been reserved since the last measurement.</summary>
    private long _unmeasured;

    /// <summary>Returns whether a request is so large, or so many small ones have come together, that it is worth measuring.</summary>
    /// <param name="length">How much is asked for.</param>
    /// <param name="isDue">Whether the machine's memory is to be measured too.</param>
    internal bool IsWorthMeasuring(long length, out bool isDue)
    {
        isDue = IsMeasuringDue(length);
        return isDue || length >= WorthMeasuring;
    }

    /// <summary>
    /// Returns whether to measure how much memory is left. Measuring costs little beside the reservations since the last time, however small each
    /// of them was; and each measurement leaves room for those until the next.
    /// </summary>
    internal bool IsMeasuringDue(long length)
    {
        if (Interlocked.Add(ref _unmeasured, Math.Min(length, MeasuringStep)) < MeasuringStep)
        {
            return false;
        }

        Volatile.Write(ref _unmeasured, 0);
        return true;
    }

    /// <summary>Returns how much of a part has no memory yet. Where the kernel does not say (before Linux 6.5), all that the object has may be in it.</summary>
    internal long Missing(in OpenObject target, ByteRange range, ObjectExtent extent) => range.Length - (
        range.Offset >= extent.Length ? Math.Max(0, extent.AllocatedBytes - MemoryPage.RoundUp(extent.Length))
        : pages.Count(target, range, out var counted).IsSuccess ? counted.Total * MemoryPage.Size
        : extent.AllocatedBytes);

    /// <summary>Returns whether the file system is too small for so much more.</summary>
    internal static bool IsTooSmall(in LinuxStatfs fileSystem, long missing) =>
        LinuxFiles.UsageOf(fileSystem) is { TotalBytes: > 0 } usage && missing > usage.AvailableBytes;

    /// <summary>Finds whether the machine, or the control group of this process, is too small.</summary>
    /// <returns>The exception to throw; <see langword="null"/> where there is enough.</returns>
    internal static SharedMemoryException? ShortageOf(in OpenObject target, ByteRange range, long missing, string call) =>
        LinuxMemory.Shortage(missing, reserve: MeasuringStep) is { } shortage
            ? new(Errno.ENOMEM, call, target.Name.Text, $"{range.Length} bytes requested, {shortage}", "MemoryCheck.None leaves the decision to the kernel")
            : null;

    /// <summary>Says what a program can do if an object that has a name, or is to get one, is too large for /dev/shm.</summary>
    internal string? Advice(in OpenObject target, Errno error) => error == Errno.ENOSPC && files.IsInDirectory(target)
        ? "For a named object that is /dev/shm: mount it larger (docker run --shm-size), remove objects (shm df, shm ls), or use CreateAnonymous, which it does not limit"
        : null;

    /// <summary>Says which quota a request was too large for: that of the user who owns the object.</summary>
    internal string DescribeQuota(in OpenObject target) =>
        files.Stat(target.Handle, STATX_BASIC_STATS, out var statx).IsSuccess && files.TryGetQuota(target, statx.stx_uid, out var used, out var limit)
            ? $"{Math.Max(0, limit - used)} bytes left of the quota of user {statx.stx_uid} in its file system, which is {limit} bytes"
            : "more than a quota of its file system leaves (of the object's owner or group, or on Btrfs of the subvolume)";

    /// <summary>Says what a request was too large for.</summary>
    internal string Describe(in OpenObject target) =>
        !files.TryStatFileSystem(target, out var fileSystem) ? "more than is available"
        : fileSystem.f_type == HUGETLBFS_MAGIC ? LinuxSeals.TooFewHugePages(fileSystem.f_bsize)
        : $"{LinuxFiles.UsageOf(fileSystem).AvailableBytes} bytes available in its file system";
}
