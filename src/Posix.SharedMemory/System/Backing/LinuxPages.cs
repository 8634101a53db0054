using Posix.SharedMemory.Interop;
using static Posix.SharedMemory.Interop.Linux;

namespace Posix.SharedMemory;

/// <summary>Linux: counts the pages of an object.</summary>
internal class LinuxPages(SystemCalls calls)
{
    /// <summary>Counts the pages in a range, written or only reserved, in memory or swapped out.</summary>
    internal virtual Errno Count(in OpenObject target, ByteRange range, out PageCounts pages)
    {
        LinuxCachestat counts = default;
        var request = new LinuxCachestatRange { off = (ulong)range.Offset, len = (ulong)range.Length };
        var error = SystemCalls.ErrorOf(calls.Fails(nameof(Libc.cachestat)) ? -1 : Libc.cachestat(SYS_cachestat, target.Handle, request, out counts, 0));
        // Of memory, what is "evicted" from the page cache is in the swap.
        pages = new((long)counts.nr_cache, (long)counts.nr_evicted);
        return error;
    }

    /// <summary>Returns whether as much is allocated as the object is long. There are holes all the same where some of it is past the end.</summary>
    internal static bool HasAllBytes(ObjectExtent extent) => extent.AllocatedBytes >= MemoryPage.RoundUp(extent.Length);

    /// <summary>Returns whether there are pages past the end, which costs nothing to count where there are none; <see langword="null"/> where the kernel does not say.</summary>
    internal bool? HasMemoryPastEnd(in OpenObject target, ObjectExtent extent)
    {
        var end = MemoryPage.RoundUp(extent.Length);
        return Count(target, new(end, long.MaxValue - end), out var pages).IsSuccess ? pages.Total > 0 : null;
    }
}
