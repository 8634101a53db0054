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
        if (!platform.CountPages(target, new(0, length), out var pages).IsSuccess)
        {
            WalkData(length, found);
        }
        else if (pages > 0)
        {
            Divide(new(0, length), pages, found);
        }

        return found;
    }

    /// <summary>Halves a range until each part is full or empty.</summary>
    private void Divide(ByteRange range, long pages, List<ByteRange> found)
    {
        var page = (long)Environment.SystemPageSize;
        var all = (range.Length + page - 1) / page;
        if (pages >= all)
        {
            Append(range, found);
            return;
        }

        var half = all / 2 * page;
        ByteRange left = new(range.Offset, half), right = new(range.Offset + half, range.Length - half);
        if (platform.CountPages(target, left, out var leftPages).IsSuccess && leftPages > 0)
        {
            Divide(left, leftPages, found);
        }

        // Counted anew rather than subtracted: the object may change while it is looked at.
        if (platform.CountPages(target, right, out var rightPages).IsSuccess && rightPages > 0)
        {
            Divide(right, rightPages, found);
        }
    }

    private void WalkData(long length, List<ByteRange> found)
    {
        using var own = platform.Reopen(target);
        var position = 0L;
        while (position < length
            && platform.Seek(own, position, data: true, out var start).IsSuccess
            && platform.Seek(own, start, data: false, out position).IsSuccess)
        {
            Append(new(start, Math.Min(position, length) - start), found);
        }
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
