namespace Posix.SharedMemory.Inspection;

/// <summary>How much memory a control group may use, shared memory included. Past the limit the kernel kills a process of the group, or slows it down to a standstill.</summary>
/// <param name="LimitBytes">How many bytes it may use: the smaller one of its hard limit and, in version 2, <c>memory.high</c>.</param>
/// <param name="UsedBytes">How many bytes it uses, including cached pages of files that the kernel could reclaim; 0 if that cannot be read, since a group with a process in it uses some.</param>
/// <remarks><see href="https://man7.org/linux/man-pages/man7/cgroups.7.html">cgroups(7)</see></remarks>
public readonly record struct MemoryLimit(long LimitBytes, long UsedBytes)
{
    /// <summary>Gets how many more bytes it may use before the kernel has to reclaim anything; the whole limit if <see cref="UsedBytes"/> is unknown.</summary>
    public long AvailableBytes => Math.Max(0, LimitBytes - UsedBytes);
}
