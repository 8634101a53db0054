using Microsoft.Win32.SafeHandles;
using Posix.SharedMemory.Interop;
using static Posix.SharedMemory.Interop.Linux;
using static Posix.SharedMemory.SystemCalls;

namespace Posix.SharedMemory;

/// <summary>Linux: <c>statx</c>, <c>fallocate</c>, and what is past the end.</summary>
internal class LinuxBacking(SystemCalls calls, LinuxFiles files, SystemSeals seals, SystemMapping mapping, LinuxMembership locks, LinuxPages pages)
    : PosixBacking(calls, seals)
{
    /// <summary>The smallest piece that an interrupted allocation is cut down to.</summary>
    private const long SmallestPiece = 64 << 10;

    private readonly SystemCalls _calls = calls;
    private readonly SystemSeals _seals = seals;
    private readonly LastPage _lastPage = new(calls, seals, mapping, O_CLOEXEC);
    private readonly LinuxRoom _room = new(files, pages);

    internal override bool IsOrdinaryMemory(in OpenObject target) => _room.IsOrdinaryMemory(target);

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

    internal override void SetInitialLength(in OpenObject target, long length, Backing backing) => Extend(target, from: 0, length, backing);

    internal override bool Grow(in OpenObject target, long length, Backing backing)
    {
        // SYNC growth: one at a time reads the length, clears the last page's rest and sets the new length. Another process
        // could make that rest part of the object meanwhile, and ftruncate would take away what it had just grown.
        // The turn pairs with that of every other thread and process.
        using var turn = new LinuxTurn(files, locks, target);
        var found = GetLength(target);
        if (found < length)
        {
            _lastPage.ClearPast(target, found);
            Extend(target, found, length, backing);
        }

        return found <= length;
    }

    internal override void Shrink(in OpenObject target, long length)
    {
        // SYNC growth: pairs with Grow, and with others who shorten: ftruncate would make longer what they have made shorter still.
        using var turn = new LinuxTurn(files, locks, target);
        base.Shrink(target, length);
    }

    internal override void Reserve(in OpenObject target, ByteRange range)
    {
        RefuseWhatCannotFit(target, range);
        ThrowIfNotAllocated(AllocateInPieces(target.Handle, range, out _), target, range);
    }

    internal override bool HasMemory(in OpenObject target, ObjectExtent extent, ByteRange range)
    {
        if (LinuxPages.HasAllBytes(extent))
        {
            return pages.HasMemoryPastEnd(target, extent) == false;
        }

        var first = range.Offset - MemoryPage.Inside(range.Offset);
        return pages.Count(target, new(first, range.End - first), out var counted).IsSuccess
            && counted.Total * MemoryPage.Size >= MemoryPage.RoundUp(range.End - first);
    }

    internal override SharedMemoryException? FindShortage(in OpenObject target, ByteRange range, bool isUrgent) =>
        target.MemoryCheck != MemoryCheck.None && (_room.IsMeasuringDue(range.Length) || isUrgent) && _room.IsOrdinaryMemory(target) && _room.Missing(target, range, GetExtent(target)) is > 0 and var missing
            ? LinuxRoom.ShortageOf(target, range, missing)
            : null;

    internal override void Discard(in OpenObject target, ByteRange range)
    {
        var error = PunchHole(target, range);
        if (error == Errno.EOPNOTSUPP)
        {
            throw new PlatformNotSupportedException(
                "The file system behind this object cannot give memory back (fallocate with FALLOC_FL_PUNCH_HOLE). Write zeros instead, or make the object shorter.");
        }

        if (!error.IsSuccess)
        {
            throw _seals.Refused(error, "fallocate(FALLOC_FL_PUNCH_HOLE)", target, SystemSeals.AgainstWriting);
        }
    }

    private Errno PunchHole(in OpenObject target, ByteRange range)
    {
        Errno error;
        do
        {
            error = Allocate(target.Handle, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, range);
        }
        while (error == Errno.EINTR);
        return error;
    }

    private void Extend(in OpenObject target, long from, long to, Backing backing)
    {
        if (to == from)
        {
            return;
        }

        if (backing == Backing.Sparse)
        {
            SetLength(target, to);
            return;
        }

        CheckFileSizeLimit(nameof(Libc.fallocate), target, to);
        var added = new ByteRange(from, to - from);
        RefuseWhatCannotFit(target, added);
        var error = Allocate(target.Handle, mode: 0, added);
        if (error == Errno.EINTR)
        {
            error = GrowInPieces(target, added);
        }

        ThrowIfNotAllocated(error, target, added);
    }

    private Errno Allocate(SafeFileHandle handle, int mode, ByteRange range) =>
        range.Length == 0
            ? default
            : ErrorOf(_calls.Fails(nameof(Libc.fallocate)) ? -1 : Libc.fallocate(handle, mode, range.Offset, range.Length));

    /// <summary>
    /// Grows where the allocation was interrupted. Kernels that let a signal interrupt it undo the work, so that trying the
    /// whole again may never end: smaller and smaller pieces get done between two signals, and the length changes last.
    /// </summary>
    private Errno GrowInPieces(in OpenObject target, ByteRange added)
    {
        var error = AllocateInPieces(target.Handle, added, out var reached);
        while (error.IsSuccess)
        {
            error = Allocate(target.Handle, mode: 0, added);
            if (error != Errno.EINTR)
            {
                return error;
            }

            error = default;
        }

        // What is past the end is given back, from the first page that holds no byte of the object.
        var first = MemoryPage.RoundUp(Math.Max(added.Offset, GetLength(target)));
        if (reached > first)
        {
            _ = PunchHole(target, new(first, MemoryPage.RoundUp(reached) - first));
        }

        return error;
    }

    private Errno AllocateInPieces(SafeFileHandle handle, ByteRange range, out long reached)
    {
        var piece = range.Length;
        for (reached = range.Offset; reached < range.End;)
        {
            var next = new ByteRange(reached, Math.Min(piece, range.End - reached));
            var error = Allocate(handle, FALLOC_FL_KEEP_SIZE, next);
            if (error == Errno.EINTR)
            {
                piece = Math.Max(piece / 2, SmallestPiece);
            }
            else if (error.IsSuccess)
            {
                reached = next.End;
            }
            else
            {
                return error;
            }
        }

        return default;
    }

    /// <summary>Refuses at once what is more than there is.</summary>
    private void RefuseWhatCannotFit(in OpenObject target, ByteRange range)
    {
        if (target.MemoryCheck == MemoryCheck.None || !_room.IsWorthMeasuring(range.Length, out var isDue) || !_room.IsOrdinaryMemory(target))
        {
            return;
        }

        var missing = _room.Missing(target, range, GetExtent(target));
        if (_room.IsFileSystemTooSmall(target, missing))
        {
            ThrowIfNotAllocated(Errno.ENOSPC, target, range);
        }

        if (isDue && missing > 0 && LinuxRoom.ShortageOf(target, range, missing) is { } shortage)
        {
            throw shortage;
        }
    }

    private void ThrowIfNotAllocated(Errno error, in OpenObject target, ByteRange range)
    {
        if (error == Errno.ENOSPC || error == Errno.EDQUOT)
        {
            var room = error == Errno.ENOSPC ? _room.Describe(target) : _room.DescribeQuota(target);
            throw new SharedMemoryException(error, nameof(Libc.fallocate), target.Name.Text, $"{range.Length} bytes requested, {room}", LinuxRoom.Advice(target, error));
        }

        if (error == Errno.EOPNOTSUPP)
        {
            throw new PlatformNotSupportedException(
                "The file system behind this object cannot reserve memory (fallocate). Use Backing.Sparse.");
        }

        if (!error.IsSuccess)
        {
            throw _seals.Refused(error, nameof(Libc.fallocate), target, MemorySeals.Grow);
        }
    }
}
