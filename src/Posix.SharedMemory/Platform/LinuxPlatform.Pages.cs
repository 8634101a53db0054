using Microsoft.Win32.SafeHandles;
using Posix.SharedMemory.Inspection;
using Posix.SharedMemory.Interop;
using static Posix.SharedMemory.Interop.Linux;
using static Posix.SharedMemory.Interop.Unix;

namespace Posix.SharedMemory;

// Which pages of an object there are.
internal partial class LinuxPlatform
{
    internal override bool HasMemory(in OpenObject target, ObjectExtent extent, ByteRange range)
    {
        if (HasAllBytes(extent))
        {
            return HasMemoryBehindEnd(target, extent) == false;
        }

        var first = range.Offset - MemoryPage.Inside(range.Offset);
        return CountPages(target, new(first, range.End - first), out var pages).IsSuccess && pages.Total * MemoryPage.Size >= MemoryPage.RoundUp(range.End - first);
    }

    internal override IReadOnlyList<ByteRange> GetAllocatedRanges(in OpenObject target)
    {
        var extent = GetExtent(target);
        return extent.Length == 0 ? []
            : HasAllBytes(extent) && HasMemoryBehindEnd(target, extent) != true ? [new(0, extent.Length)]
            : HugePagesOf(target) is not null ? throw new PlatformNotSupportedException(
                "The kernel does not tell which parts of an object of huge pages have memory behind them. GetStatus tells how many bytes have.")
            : new AllocationMap(this, target).Ranges(extent.Length);
    }

    /// <summary>Whether as much is allocated as the object is long. There are holes all the same where some of it stands behind the end.</summary>
    private static bool HasAllBytes(ObjectExtent extent) => extent.AllocatedBytes >= MemoryPage.RoundUp(extent.Length);

    /// <summary>Whether there are pages behind the end, which costs nothing to count where there are none; <see langword="null"/> where nobody tells.</summary>
    private bool? HasMemoryBehindEnd(in OpenObject target, ObjectExtent extent)
    {
        var end = MemoryPage.RoundUp(extent.Length);
        return CountPages(target, new(end, long.MaxValue - end), out var pages).IsSuccess ? pages.Total > 0 : null;
    }

    internal override IReadOnlyList<PageRun> GetPageStates(in OpenObject target) => new AllocationMap(this, target).States(GetLength(target));

    /// <summary>Counts the pages there are in a range, written or only reserved, in memory or swapped out.</summary>
    internal virtual Errno CountPages(in OpenObject target, ByteRange range, out PageCounts pages)
    {
        LinuxCachestat counts = default;
        var request = new LinuxCachestatRange { off = (ulong)range.Offset, len = (ulong)range.Length };
        var error = ErrorOf(Fails(nameof(Libc.cachestat)) ? -1 : Libc.cachestat(SYS_cachestat, target.Handle, request, out counts, 0));
        // Of memory, what is "evicted" from the page cache is in the swap.
        pages = new((long)counts.nr_cache, (long)counts.nr_evicted);
        return error;
    }

    internal override IReadOnlyList<ByteRange>? FindHugePages(in OpenObject target)
    {
        var status = GetStatus(target);
        return Directory.Exists("/proc/self") ? new LinuxHugePageScan(this).Find(IndexHolders(status.Identity)[status.Identity], status.Length) : null;
    }

    /// <summary>Opens what tells of a process's page table; <see langword="null"/> where it is gone or another user's.</summary>
    internal SafeFileHandle? OpenPageTable(int processId)
    {
        var path = System.Text.Encoding.ASCII.GetBytes($"/proc/{processId}/pagemap\0");
        _ = OpenPath(path, O_RDONLY | O_CLOEXEC, UnixFileMode.None, out var pageTable);
        return pageTable;
    }

    /// <summary>Looks on from an address for pages of one kind in an open /proc/PID/pagemap, and moves the address to where it got.</summary>
    internal unsafe Errno ScanPageTable(SafeFileHandle pageTable, long kind, ref ulong at, ulong end, Span<LinuxPageRegion> regions, out int filled)
    {
        // SAFETY: the span is pinned for the length of the call and the kernel is told how much it holds.
        fixed (LinuxPageRegion* answers = regions)
        {
            var scan = new LinuxPagemapScan
            {
                size = (ulong)sizeof(LinuxPagemapScan), start = at, end = end, vec = (ulong)answers, vec_len = (ulong)regions.Length,
                category_mask = (ulong)kind, return_mask = (ulong)kind,
            };
            nint result;
            do
            {
                result = Fails("ioctl") ? -1 : Libc.ioctl_pagemap(pageTable, (nuint)PAGEMAP_SCAN, ref scan);
            }
            while (IsInterrupted(result));
            // No step forward would be asked for ever.
            at = scan.walk_end > at ? scan.walk_end : end;
            filled = (int)Math.Max(result, 0);
            return ErrorOf(result);
        }
    }

    /// <summary>Opens the object anew, so that a file position of our own can be moved.</summary>
    internal SafeFileHandle Reopen(in OpenObject target)
    {
        var error = Reopen(target, O_RDONLY, out var handle);
        return handle ?? throw new SharedMemoryException(error, "open(/proc/self/fd)", target.Name.Text);
    }

    private Errno Reopen(in OpenObject target, int accessMode, out SafeFileHandle? handle)
    {
        var pinned = false;
        try
        {
            target.Handle.DangerousAddRef(ref pinned);
            var path = System.Text.Encoding.ASCII.GetBytes($"/proc/self/fd/{target.Handle.DangerousGetHandle()}\0");
            return OpenPath(path, accessMode | O_CLOEXEC, UnixFileMode.None, out handle);
        }
        finally
        {
            if (pinned)
            {
                target.Handle.DangerousRelease();
            }
        }
    }

    /// <summary>Finds the next byte that was written, or that was not, from a position on: <c>lseek</c>.</summary>
    internal Errno Seek(SafeFileHandle handle, long from, bool data, out long found)
    {
        found = Fails(nameof(Libc.lseek)) ? -1 : Libc.lseek(handle, from, data ? SEEK_DATA : SEEK_HOLE);
        return ErrorOf((nint)found);
    }
}
