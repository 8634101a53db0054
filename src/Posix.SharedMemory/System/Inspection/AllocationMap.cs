using Microsoft.Win32.SafeHandles;
using Posix.SharedMemory.Interop;
using static Posix.SharedMemory.Interop.Linux;
using Posix.SharedMemory.Inspection;

namespace Posix.SharedMemory;

/// <summary>Finds which parts of an object have memory behind them, in whole pages.</summary>
/// <remarks>
/// Linux 6.5 counts the pages of a range (<c>cachestat</c>), reserved ones included. Before that, and where an object is on a disk, an overlay or FUSE, there is only
/// <c>lseek(SEEK_DATA)</c>, which does not see memory that was reserved and never written.
/// </remarks>
internal readonly struct AllocationMap(SystemCalls calls, LinuxFiles files, LinuxMembership membership, LinuxPages pages, OpenObject target)
{
    internal List<ByteRange> Ranges(long length)
    {
        var found = new List<ByteRange>();
        if (TryCount(length, out var counts))
        {
            Divide(new(0, length), counts.Total, found);
        }
        else
        {
            WalkData(length, found);
        }

        return found;
    }

    /// <summary>Lists every part of the object, in order, with the state of its pages. Nothing is read or brought in.</summary>
    internal List<PageRun> States(long length, SystemInspection inspection)
    {
        var found = new List<PageRun>();
        if (length == 0)
        {
            return found;
        }

        if (TryCount(length, out var counts))
        {
            Divide(new(0, length), counts, found);
            return found;
        }

        // The kernel does not count, or not for this user, who may not write to the object, or not what the object consists of: unless all of it is there, only what has been written is seen.
        var at = 0L;
        foreach (var range in inspection.GetAllocatedRanges(target))
        {
            // They are of the length that the object has by now, which may be another one.
            var start = Math.Min(range.Offset, length);
            var end = Math.Min(range.End, length);
            Append(new(new(at, start - at), PageState.Absent), found);
            Append(new(new(start, end - start), PageState.Present), found);
            at = end;
        }

        Append(new(new(at, length - at), PageState.Absent), found);
        return found;
    }

    /// <summary>Halves a range until the pages of each part are in one state.</summary>
    private void Divide(ByteRange range, PageCounts counts, List<PageRun> found)
    {
        var all = MemoryPage.RoundUp(range.Length) / MemoryPage.Size;
        PageState? state = counts.Resident >= all ? PageState.Resident
            : counts.Swapped >= all ? PageState.Swapped
            : counts.Total <= 0 ? PageState.Absent
            : null;
        if (state is { } uniform)
        {
            Append(new(range, uniform), found);
            return;
        }

        var half = all / 2 * MemoryPage.Size;
        ByteRange left = new(range.Offset, half), right = new(range.Offset + half, range.Length - half);
        Divide(left, CountPages(left), found);
        Divide(right, CountPages(right), found);
    }

    /// <summary>Halves a range until each part is full or empty.</summary>
    private void Divide(ByteRange range, long counted, List<ByteRange> found)
    {
        if (counted <= 0)
        {
            return;
        }

        var all = MemoryPage.RoundUp(range.Length) / MemoryPage.Size;
        if (counted >= all)
        {
            Append(range, found);
            return;
        }

        // Each half is counted again rather than subtracted: the object may change while it is looked at.
        var half = all / 2 * MemoryPage.Size;
        ByteRange left = new(range.Offset, half), right = new(range.Offset + half, range.Length - half);
        Divide(left, CountPages(left).Total, found);
        Divide(right, CountPages(right).Total, found);
    }

    private bool TryCount(long length, out PageCounts counts)
    {
        counts = default;
        return files.ConsistsOfPages(target) && pages.Count(target, new(0, length), out counts).IsSuccess;
    }

    private PageCounts CountPages(ByteRange range) =>
        pages.Count(target, range, out var counts) is { IsSuccess: false } error
            ? throw SystemCalls.FailureOf(error, "cachestat", target.Name.Text)
            : counts;

    private void WalkData(long length, List<ByteRange> found)
    {
        // The file position is moved, and the object's own belongs to the caller.
        var handle = membership.OwnReader(target);
        for (var position = 0L; position < length;)
        {
            if (!TrySeek(handle, position, SEEK_DATA, out var start) || !TrySeek(handle, start, SEEK_HOLE, out position))
            {
                break;
            }

            if (start < length)
            {
                // A file system may count in blocks that are smaller than a page.
                var first = Math.Max(start - MemoryPage.Inside(start), found.Count > 0 ? found[^1].End : 0);
                Append(new(first, (position < length ? Math.Min(MemoryPage.RoundUp(position), length) : length) - first), found);
            }
        }
    }

    /// <summary>Finds the next data or hole; false past the last byte that was written.</summary>
    private bool TrySeek(SafeFileHandle handle, long from, int whence, out long seen)
    {
        seen = calls.Fails(nameof(Libc.lseek)) ? -1 : Libc.lseek(handle, from, whence);
        var error = SystemCalls.ErrorOf((nint)seen);
        return error.IsSuccess || (error == Errno.ENXIO ? false : throw SystemCalls.FailureOf(error, "lseek", target.Name.Text));
    }

    private static void Append(ByteRange range, List<ByteRange> found)
    {
        if (found.Count > 0 && found[^1].End == range.Offset)
        {
            found[^1] = new(found[^1].Offset, found[^1].Length + range.Length);
        }
        else
        {
            found.Add(range);
        }
    }

    private static void Append(PageRun run, List<PageRun> found)
    {
        if (run.Range.Length == 0)
        {
            return;
        }

        if (found.Count > 0 && found[^1].State == run.State)
        {
            found[^1] = new(new(found[^1].Range.Offset, found[^1].Range.Length + run.Range.Length), run.State);
        }
        else
        {
            found.Add(run);
        }
    }
}
