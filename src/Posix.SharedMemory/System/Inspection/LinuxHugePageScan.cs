using Microsoft.Win32.SafeHandles;
using Posix.SharedMemory.Inspection;
using Posix.SharedMemory.Interop;
using static Posix.SharedMemory.Interop.Linux;
using static Posix.SharedMemory.Interop.Unix;

namespace Posix.SharedMemory;

/// <summary>Asks the page tables of the processes that map an object which parts of it they map in huge pages.</summary>
internal readonly struct LinuxHugePageScan(SystemCalls calls, LinuxFiles files)
{
    private const int RegionsAtOnce = 512;

    internal IReadOnlyList<ByteRange>? Find(IEnumerable<SharedMemoryHolder> holders, long length)
    {
        var found = new List<ByteRange>();
        var isKnown = false;
        foreach (var holder in holders)
        {
            var mappings = holder.Mappings.Where(mapping => !mapping.IsPrivate).ToList();
            if (mappings.Count == 0)
            {
                continue;
            }

            using var pageTable = OpenPageTable(holder.ProcessId);
            var isRead = pageTable is not null;
            foreach (var mapping in isRead ? mappings : [])
            {
                isRead &= Add(pageTable!, mapping, length, found);
            }

            // What a process shows that has ended meanwhile is as good as nothing; one that lives and shows a part only may map the rest in huge pages.
            if (!isRead && LinuxProcess.ReadState(holder.ProcessId) != LinuxProcessState.Gone)
            {
                return null;
            }

            isKnown |= isRead;
        }

        return isKnown ? Joined(found) : null;
    }

    private bool Add(SafeFileHandle pageTable, HeldMapping mapping, long length, List<ByteRange> found)
    {
        Span<LinuxPageRegion> regions = stackalloc LinuxPageRegion[RegionsAtOnce];
        var end = mapping.Address + (ulong)mapping.Length;
        for (var at = mapping.Address; at < end;)
        {
            if (!ScanPageTable(pageTable, PAGE_IS_HUGE, ref at, end, regions, out var filled).IsSuccess)
            {
                return false;
            }

            foreach (var region in regions[..filled])
            {
                var first = mapping.Offset + (long)(region.start - mapping.Address);
                var last = Math.Min(first + (long)(region.end - region.start), length);
                if (first < last)
                {
                    found.Add(new(first, last - first));
                }
            }
        }

        return true;
    }

    // Two processes may map the same page.
    private static List<ByteRange> Joined(List<ByteRange> ranges)
    {
        var joined = new List<ByteRange>();
        foreach (var range in ranges.OrderBy(range => range.Offset))
        {
            if (joined.Count > 0 && joined[^1].End >= range.Offset)
            {
                joined[^1] = joined[^1] with { Length = Math.Max(joined[^1].End, range.End) - joined[^1].Offset };
            }
            else
            {
                joined.Add(range);
            }
        }

        return joined;
    }

    /// <summary>Opens a process's page table; <see langword="null"/> where the process is gone or another user's.</summary>
    private SafeFileHandle? OpenPageTable(int processId)
    {
        var pageTable = Open(processId);
        if (pageTable is not null)
        {
            return pageTable;
        }

        // The first thread has ended; the others map what it mapped, and have directories of their own in /proc.
        foreach (var thread in new LinuxNumberedDirectory(calls, files).ThreadsOf(processId))
        {
            pageTable ??= thread == processId ? null : Open(thread);
        }

        return pageTable;
    }

    private SafeFileHandle? Open(int id)
    {
        var path = System.Text.Encoding.ASCII.GetBytes($"/proc/{id}/pagemap\0");
        _ = files.Open(path, O_RDONLY | O_CLOEXEC, UnixFileMode.None, out var pageTable);
        return pageTable;
    }

    /// <summary>Searches an open /proc/PID/pagemap for pages of one kind, from an address on, and moves the address to where it got.</summary>
    private unsafe Errno ScanPageTable(SafeFileHandle pageTable, long kind, ref ulong at, ulong end, Span<LinuxPageRegion> regions, out int filled)
    {
        // SAFETY: the span is pinned for the length of the call and its length goes with it.
        fixed (LinuxPageRegion* answers = regions)
        {
            var scan = new LinuxPagemapScan
            {
                size = (ulong)sizeof(LinuxPagemapScan), start = at, end = end, vec = (ulong)answers, vec_len = (ulong)regions.Length,
                category_mask = (ulong)kind, return_mask = (ulong)kind,
            };
            var arguments = (pageTable, scan);
            var result = calls.Repeat("ioctl(PAGEMAP_SCAN)", ref arguments, static (ref a) => Libc.ioctl_pagemap(a.pageTable, (nuint)PAGEMAP_SCAN, ref a.scan));
            // No step forward would be asked for ever.
            at = arguments.scan.walk_end > at ? arguments.scan.walk_end : end;
            filled = (int)Math.Max(result, 0);
            return SystemCalls.ErrorOf(result);
        }
    }
}
