namespace Posix.SharedMemory.Inspection;

/// <summary>The memory that a control group may take, shared memory included: beyond it the kernel kills.</summary>
/// <param name="LimitBytes">How much it may take.</param>
/// <param name="UsedBytes">How much it takes, with the pages of files that the kernel could drop.</param>
/// <remarks><see href="https://man7.org/linux/man-pages/man7/cgroups.7.html">cgroups(7)</see></remarks>
public readonly record struct MemoryLimit(long LimitBytes, long UsedBytes)
{
    /// <summary>Gets how much it may still take without dropping anything.</summary>
    public long AvailableBytes => Math.Max(0, LimitBytes - UsedBytes);
}
