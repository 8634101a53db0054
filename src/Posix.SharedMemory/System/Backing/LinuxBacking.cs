using Microsoft.Win32.SafeHandles;
using Posix.SharedMemory.Interop;
using static Posix.SharedMemory.Interop.Linux;
using static Posix.SharedMemory.SystemCalls;

namespace Posix.SharedMemory;

/// <summary>Linux: <c>statx</c>, <c>fallocate</c>, and what is past the end.</summary>
internal class LinuxBacking(SystemCalls calls, LinuxFiles files, SystemSeals seals, SystemMapping mapping, LinuxMembership locks, LinuxPages pages)
    : PosixBacking(calls, seals)
{
    /// <summary>So much is allocated in a turn; more, after it.</summary>
    private const long LongestInTurn = 16 << 20;

    private readonly SystemCalls _calls = calls;
    private readonly SystemSeals _seals = seals;
    private readonly LastPage _lastPage = new(calls, seals, mapping);
    private readonly LinuxRoom _room = new(files, pages);
    private readonly ZeroFilling _zeros = new(mapping);

    internal override bool IsOrdinaryMemory(in OpenObject target) => files.IsOrdinaryMemory(target);

    internal override long GetLength(in OpenObject target)
    {
        Check(files.Stat(target.Handle, STATX_SIZE, out var statx), nameof(Libc.statx), target.Name);
        return (long)statx.stx_size;
    }

    internal override SharedMemoryStatus GetStatus(in OpenObject target)
    {
        Check(files.Stat(target.Handle, STATX_BASIC_STATS | STATX_BTIME, out var statx), nameof(Libc.statx), target.Name);
        return LinuxFiles.StatusOf(statx);
    }

    internal override ObjectExtent GetExtent(in OpenObject target)
    {
        // Not the times: after a file's times were read, the next write stores finer ones, which costs more.
        Check(files.Stat(target.Handle, STATX_SIZE | STATX_BLOCKS, out var statx), nameof(Libc.statx), target.Name);
        return new((long)statx.stx_size, LinuxFiles.AllocatedBytesOf(statx));
    }

    internal override void SetInitialPermissions(in OpenObject target, UnixFileMode permissions)
    {
        // To ask costs less than to set, and usually the umask took nothing away.
        if (!files.Stat(target.Handle, STATX_MODE, out var statx).IsSuccess || (UnixFileMode)(statx.stx_mode & 0xFFF) != permissions)
        {
            SetPermissions(target, permissions);
        }
    }

    internal override void SetInitialLength(in OpenObject target, long length, Backing backing)
    {
        if (length == 0)
        {
            return;
        }

        if (backing == Backing.Sparse)
        {
            // No other process can have made it longer.
            SetLength(target, length);
            return;
        }

        var added = new ByteRange(0, length);
        RefuseWhatCannotFit(target, added, isNew: true);
        var error = Allocate(target.Handle, mode: 0, added);
        if (LacksAllocation(error, target))
        {
            // Written bytes are reserved too. No other process has the object, so that none of its bytes is overwritten.
            _zeros.Write(target, length);
            return;
        }

        if (!error.IsSuccess)
        {
            throw NotAllocated(error, target, added);
        }
    }

    internal override bool Grow(in OpenObject target, long length, Backing backing)
    {
        var found = GetLength(target);
        if (found >= length)
        {
            return found == length;
        }

        if (MemoryPage.Inside(found) != 0)
        {
            GrowFromInsidePage(target, length, backing);
            return true;
        }

        ExtendOutsideTurn(target, found, length, backing);
        return true;
    }

    internal override void Shrink(in OpenObject target, long length)
    {
        // SYNC growth: pairs with other processes that shorten: ftruncate would make longer what they have made shorter still.
        using var turn = locks.EnterTurn(target, mustHave: false);
        base.Shrink(target, length);
    }

    internal override void Reserve(in OpenObject target, ByteRange range)
    {
        RefuseWhatCannotFit(target, range);
        if (AllocateInside(target.Handle, range) is { IsSuccess: false } error)
        {
            throw NotAllocated(error, target, range);
        }
    }

    internal override void PrepareToWrite(in OpenObject target, ByteRange range)
    {
        RefuseWhatCannotFit(target, range);
        var error = AllocateInside(target.Handle, range);
        if (!error.IsSuccess && !LacksAllocation(error, target))
        {
            throw NotAllocated(error, target, range);
        }
    }

    internal override bool HasMemory(in OpenObject target, ObjectExtent extent, ByteRange range)
    {
        if (!files.ConsistsOfPages(target))
        {
            // On a disk, pages in memory are only copies of what may be a hole.
            return false;
        }

        if (LinuxPages.HasAllBytes(extent))
        {
            return pages.HasMemoryPastEnd(target, extent) == false;
        }

        var first = range.Offset - MemoryPage.Inside(range.Offset);
        return pages.Count(target, new(first, range.End - first), out var counted).IsSuccess
            && counted.Total * MemoryPage.Size >= MemoryPage.RoundUp(range.End - first);
    }

    internal override SharedMemoryException? FindShortage(in OpenObject target, ByteRange range, bool isUrgent, string call) =>
        target.MemoryCheck != MemoryCheck.None && (_room.IsMeasuringDue(range.Length) || isUrgent) && files.MayTakeMemory(target, out _) && _room.Missing(target, range, GetExtent(target)) is > 0 and var missing
            ? LinuxRoom.ShortageOf(target, range, missing, call)
            : null;

    internal override void Discard(in OpenObject target, ByteRange range)
    {
        var error = PunchHole(target, range);
        if (LacksAllocation(error, target))
        {
            throw new PlatformNotSupportedException(
                "The file system behind this object, or a filter in front of it, cannot give memory back (fallocate with FALLOC_FL_PUNCH_HOLE). Write zeros instead, or make the object shorter.");
        }

        if (!error.IsSuccess)
        {
            throw _seals.Refused(error, "fallocate(FALLOC_FL_PUNCH_HOLE)", target, SystemSeals.AgainstWriting);
        }
    }

    private Errno PunchHole(in OpenObject target, ByteRange range) => Allocate(target.Handle, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, range);

    /// <summary>Grows from the end of a page, in one call that never makes the object shorter than another process has made it meanwhile.</summary>
    private void Extend(in OpenObject target, long from, long to, Backing backing, bool isInTurn)
    {
        if (backing == Backing.Sparse)
        {
            SetEnd(target, to, isInTurn);
            return;
        }

        var added = new ByteRange(from, to - from);
        RefuseWhatCannotFit(target, added);
        var error = Allocate(target.Handle, mode: 0, added);
        if (!error.IsSuccess)
        {
            throw NotAllocated(error, target, added);
        }
    }

    /// <summary>Grows without a turn, and returns when nothing that the caller then writes will be cleared.</summary>
    private void ExtendOutsideTurn(in OpenObject target, long from, long to, Backing backing)
    {
        Extend(target, from, to, backing, isInTurn: false);
        // SYNC growth: pairs with GrowFromInsidePage. A process that found the object shorter clears the rest of its last page in a turn; what the
        // caller writes there from now on must not be cleared. A turn that begins now finds the new length.
        locks.AwaitTurn(target);
    }

    /// <summary>Grows from inside a page, whose rest is cleared first.</summary>
    private void GrowFromInsidePage(in OpenObject target, long length, Backing backing)
    {
        long found;
        // SYNC growth: pairs with ExtendOutsideTurn. One at a time reads the length, clears the last page's rest and, where that is soon done, sets the new length.
        using (locks.EnterTurn(target, mustHave: true))
        {
            found = GetLength(target);
            if (found >= length)
            {
                return;
            }

            _lastPage.ClearPast(target, found);
            if (backing == Backing.Sparse || length - found <= LongestInTurn)
            {
                Extend(target, found, length, backing, isInTurn: true);
                return;
            }
        }

        // Others would wait for a turn in which so much is allocated. Nothing is reserved past the end meanwhile, so that a failure has nothing to give back,
        // which might be what another process has reserved there.
        ExtendOutsideTurn(target, found, length, backing);
    }

    /// <summary>Makes an object longer without reserving more than its last page.</summary>
    private void SetEnd(in OpenObject target, long length, bool isInTurn)
    {
        // By allocating the last byte, which cuts off nothing that another process has added meanwhile, as ftruncate would. A huge page is too much
        // for that, and other file systems need not have the call.
        var error = files.IsOrdinaryMemory(target) ? Allocate(target.Handle, mode: 0, new(length - 1, 1)) : Errno.EOPNOTSUPP;
        if (!error.IsSuccess)
        {
            SetEndByTruncating(error, target, length, isInTurn);
        }
    }

    /// <summary>Makes an object longer where its last byte cannot be allocated, if that is for lack of the call.</summary>
    private void SetEndByTruncating(Errno error, in OpenObject target, long length, bool isInTurn)
    {
        if (!LacksAllocation(error, target))
        {
            throw NotAllocated(error, target, new(length - 1, 1));
        }

        using var turn = isInTurn ? default : locks.EnterTurn(target, mustHave: false);
        if (GetLength(target) < length)
        {
            SetLength(target, length);
        }
    }

    /// <summary>Allocates a part, which may be empty, and leaves the length alone.</summary>
    private Errno AllocateInside(SafeFileHandle handle, ByteRange range) => range.Length == 0 ? default : Allocate(handle, FALLOC_FL_KEEP_SIZE, range);

    private Errno Allocate(SafeFileHandle handle, int mode, ByteRange range)
    {
        FileSizeLimit.Guard();
        var error = ErrorOf(_calls.Fails(nameof(Libc.fallocate)) ? -1 : Libc.fallocate(handle, mode, range.Offset, range.Length));
        return error == Errno.EINTR ? AllocateUndisturbed(handle, mode, range) : error;
    }

    /// <summary>
    /// Allocates where a signal has interrupted it. Older kernels then undo all of the work, so that it might never be done where signals keep coming:
    /// this thread gets none meanwhile. Other threads do, and a signal that ends the process ends it here too.
    /// </summary>
    private Errno AllocateUndisturbed(SafeFileHandle handle, int mode, ByteRange range)
    {
        using var pause = new SignalPause(_calls);
        return ErrorOf(_calls.Repeat(nameof(Libc.fallocate), (handle, mode, range), static (ref a) => Libc.fallocate(a.handle, a.mode, a.range.Offset, a.range.Length)));
    }

    /// <summary>Refuses at once what is more than there is.</summary>
    /// <param name="target">The object.</param>
    /// <param name="range">What is to get memory.</param>
    /// <param name="isNew">Whether the object has nothing yet, and no other process can give it anything.</param>
    private void RefuseWhatCannotFit(in OpenObject target, ByteRange range, bool isNew = false)
    {
        if (target.MemoryCheck == MemoryCheck.None || !_room.IsWorthMeasuring(range.Length, out var isDue) || !files.MayTakeMemory(target, out var fileSystem))
        {
            return;
        }

        var missing = isNew ? range.Length : _room.Missing(target, range, GetExtent(target));
        if (LinuxRoom.IsTooSmall(fileSystem, missing))
        {
            throw NotAllocated(Errno.ENOSPC, target, range);
        }

        if (isDue && missing > 0 && LinuxRoom.ShortageOf(target, range, missing, nameof(Libc.fallocate)) is { } shortage)
        {
            throw shortage;
        }
    }

    /// <summary>Returns whether an error says that a file system (ramfs, FUSE) has no <c>fallocate</c>, or that a filter refuses it.</summary>
    private bool LacksAllocation(Errno error, in OpenObject target) =>
        error is Errno.EOPNOTSUPP or Errno.ENOSYS or Errno.EINVAL
        || (error == Errno.EPERM && _seals.FindRefusal(error, target, MemorySeals.Grow | SystemSeals.AgainstWriting) == MemorySeals.None);

    /// <summary>The failure of an allocation, with what is missing and what to do.</summary>
    private Exception NotAllocated(Errno error, in OpenObject target, ByteRange range) => error switch
    {
        Errno.ENOSPC => TooLarge(_room.Describe(target), error, target, range),
        Errno.EDQUOT => TooLarge(_room.DescribeQuota(target), error, target, range),
        _ when LacksAllocation(error, target) => new PlatformNotSupportedException(
            "The file system behind this object, or a filter in front of it, cannot reserve memory (fallocate). Use Backing.Sparse."),
        Errno.EFBIG => FileSizeLimit.Exceeded(nameof(Libc.fallocate), target, range.End),
        _ => _seals.Refused(error, nameof(Libc.fallocate), target, MemorySeals.Grow),
    };

    private SharedMemoryException TooLarge(string room, Errno error, in OpenObject target, ByteRange range) =>
        new(error, nameof(Libc.fallocate), target.Name.Text, $"{range.Length} bytes requested, {room}", _room.Advice(target, error));
}
