using Microsoft.Win32.SafeHandles;

namespace Posix.SharedMemory;

/// <summary>Finds which parts of an object have memory behind them, in whole pages.</summary>
/// <remarks>
/// Linux 6.5 counts the pages of a range (<c>cachestat</c>), reserved ones included. Before that there is only
/// <c>lseek(SEEK_DATA)</c>, which does not see memory that was reserved and never written.
/// </remarks>
internal readonly struct AllocationMap(LinuxPlatform platform, OpenObject target)
{
    internal List<ByteRange> Ranges(long length)
    {
        var found = new List<ByteRange>();
        if (platform.CountPages(target, new(0, length), out var pages).IsSuccess)
        {
            Divide(new(0, length), pages, found);
        }
        else
        {
            WalkData(length, found);
        }

        return found;
    }

    /// <summary>Halves a range until each part is full or empty.</summary>
    private void Divide(ByteRange range, long pages, List<ByteRange> found)
    {
        if (pages <= 0)
        {
            return;
        }

        var all = MemoryPage.RoundUp(range.Length) / MemoryPage.Size;
        if (pages >= all)
        {
            Append(range, found);
            return;
        }

        // Each half is counted anew rather than subtracted: the object may change while it is looked at.
        var half = all / 2 * MemoryPage.Size;
        ByteRange left = new(range.Offset, half), right = new(range.Offset + half, range.Length - half);
        Divide(left, CountPages(left), found);
        Divide(right, CountPages(right), found);
    }

    private long CountPages(ByteRange range) =>
        platform.CountPages(target, range, out var pages) is { IsSuccess: false } error
            ? throw new SharedMemoryException(error, "cachestat", target.Name.Text)
            : pages;

    private void WalkData(long length, List<ByteRange> found)
    {
        using var own = platform.Reopen(target);
        for (var position = 0L; position < length;)
        {
            if (!TrySeek(own, position, data: true, out var start) || !TrySeek(own, start, data: false, out position))
            {
                break;
            }

            if (start < length)
            {
                Append(new(start, Math.Min(position, length) - start), found);
            }
        }
    }

    /// <summary>False behind the last byte that was written.</summary>
    private bool TrySeek(SafeFileHandle own, long from, bool data, out long seen)
    {
        var error = platform.Seek(own, from, data, out seen);
        return error.IsSuccess || (error == Errno.ENXIO ? false : throw new SharedMemoryException(error, "lseek", target.Name.Text));
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
}
