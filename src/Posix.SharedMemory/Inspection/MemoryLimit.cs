namespace Posix.SharedMemory.Inspection;

/// <summary>The memory limit of a control group, which includes shared memory. Past it the kernel kills processes.</summary>
/// <param name="LimitBytes">The limit in bytes.</param>
/// <param name="UsedBytes">The memory in use, including pages of files that the kernel could drop.</param>
/// <remarks><see href="https://man7.org/linux/man-pages/man7/cgroups.7.html">cgroups(7)</see></remarks>
public readonly record struct MemoryLimit(long LimitBytes, long UsedBytes)
{
    /// <summary>Gets how much is left without dropping anything.</summary>
    public long AvailableBytes => Math.Max(0, LimitBytes - UsedBytes);
}
