using Posix.SharedMemory.Inspection;
using System.Runtime.CompilerServices;
using Microsoft.Win32.SafeHandles;
using Posix.SharedMemory.Interop;
using static Posix.SharedMemory.Interop.Linux;
using static Posix.SharedMemory.Interop.Unix;

namespace Posix.SharedMemory;

// Where the memory behind an object comes from and goes to: fallocate, and what stands behind the end.
internal partial class LinuxPlatform
{
    /// <summary>From here on a request is measured against what is free before the kernel starts to look for it.</summary>
    private const long WorthMeasuring = 1 << 20;

    /// <summary>So much may be reserved without a look at what the machine has left.</summary>
    private const long MeasuringStep = 4 << 20;

    /// <summary>A monitor for each open that grows: not the descriptor's, which maps and unmaps must not wait for while a neighbour grows.</summary>
    private static readonly ConditionalWeakTable<SafeFileHandle, object> s_growers = [];

    /// <summary>What has been reserved since the last look.</summary>
    private long _unmeasured;

    /// <summary>The smallest piece that an interrupted allocation is cut down to.</summary>
    private const long SmallestPiece = 64 << 10;

    internal override void SetInitialLength(in OpenObject target, long length, Backing backing) =>
        Extend(target, from: 0, length, backing);

    internal override void Resize(in OpenObject target, long length, Backing backing, Action<long>? shrink)
    {
        // SYNC growth: one at a time looks at the length, clears the last page's rest and sets the new length. Another
        // could make that rest part of the object meanwhile, and ftruncate would take away what a neighbour had just grown.
        // The kernel's lock pairs with that of every other open; the monitor keeps apart the threads that share this one.
        lock (s_growers.GetOrCreateValue(target.Handle))
        {
            using var own = target.SharesOpen ? ReopenToLock(target) : null;
            var locked = own is null ? target : target with { Handle = own };
            Lock(locked, RecordLock.Growth);
            try
            {
                var found = GetLength(target);
                if (found < length)
                {
                    ClearLastPage(target, found);
                    Extend(target, found, length, backing);
                }
                else if (found > length)
                {
                    shrink?.Invoke(length);
                }
            }
            finally
            {
                Unlock(locked, RecordLock.Growth);
            }
        }
    }

    internal override void Reserve(in OpenObject target, ByteRange range)
    {
        RefuseWhatCannotFit(target, range);
        ThrowIfNotAllocated(AllocateInPieces(target.Handle, range, out _), target, range);
    }

    internal override SharedMemoryException? FindShortage(in OpenObject target, ByteRange range, bool isUrgent) =>
        (IsMeasuringDue(range.Length) || isUrgent) && IsOrdinaryMemory(target) && Missing(target, range, GetExtent(target)) is > 0 and var missing
            ? ShortageOf(target, range, missing)
            : null;

    internal override void Discard(in OpenObject target, ByteRange range)
    {
        if (PunchHole(target, range) is { IsSuccess: false } error)
        {
            throw Refused(error, "fallocate(FALLOC_FL_PUNCH_HOLE)", target, SealRefusal.AgainstWriting);
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

    private void ClearLastPage(in OpenObject target, long length)
    {
        if (MemoryPage.Inside(length) != 0)
        {
            ThrowIfFailed(OpenPath("/dev/zero\0"u8, O_RDONLY | O_CLOEXEC, UnixFileMode.None, out var zeros), "open(/dev/zero)", target.Name);
            using (zeros)
            {
                ClearBeyondEnd(target, length, zeros!);
            }
        }
    }

    private Errno Allocate(SafeFileHandle handle, int mode, ByteRange range) =>
        range.Length == 0
            ? default
            : ErrorOf(Fails(nameof(Libc.fallocate)) ? -1 : Libc.fallocate(handle, mode, range.Offset, range.Length));

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

        // What stands behind the end is given back, from the first page that holds no byte of the object.
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

    /// <summary>
    /// Refuses at once what is more than there is. The kernel would find out too, but only after it has pushed everything
    /// else out of memory; and where the file system may hold more than the machine has, it would kill a process instead.
    /// </summary>
    private void RefuseWhatCannotFit(in OpenObject target, ByteRange range)
    {
        var isDue = IsMeasuringDue(range.Length);
        if (range.Length < WorthMeasuring && !isDue)
        {
            return;
        }

        // What is on disk, and huge pages, the kernel refuses at once, and by better knowledge.
        if (!IsOrdinaryMemory(target))
        {
            return;
        }

        var missing = Missing(target, range, GetExtent(target));
        if (Usage(target) is { TotalBytes: > 0 } usage && missing > usage.AvailableBytes)
        {
            ThrowIfNotAllocated(Errno.ENOSPC, target, range);
        }

        if (isDue && missing > 0 && ShortageOf(target, range, missing) is { } shortage)
        {
            throw shortage;
        }
    }

    /// <summary>How much of a part has no memory yet. Where nobody tells (before Linux 6.5), all that the object has may lie in it.</summary>
    private long Missing(in OpenObject target, ByteRange range, ObjectExtent extent) => range.Length - (
        range.Offset >= extent.Length ? Math.Max(0, extent.AllocatedBytes - MemoryPage.RoundUp(extent.Length))
        : CountPages(target, range, out var pages).IsSuccess ? pages.Total * MemoryPage.Size
        : extent.AllocatedBytes);

    private static SharedMemoryException? ShortageOf(in OpenObject target, ByteRange range, long missing) =>
        LinuxMemory.Shortage(missing, reserve: MeasuringStep) is { } shortage
            ? new(Errno.ENOMEM, nameof(Libc.fallocate), target.Name.Text, $"{range.Length} bytes asked, {shortage}")
            : null;

    /// <summary>
    /// Whether to look how much memory is left. Looking costs little beside the reservations since the last look, however small each of them was; and each look
    /// leaves room for those until the next.
    /// </summary>
    private bool IsMeasuringDue(long length)
    {
        if (Interlocked.Add(ref _unmeasured, Math.Min(length, MeasuringStep)) < MeasuringStep)
        {
            return false;
        }

        Volatile.Write(ref _unmeasured, 0);
        return true;
    }

    private void ThrowIfNotAllocated(Errno error, in OpenObject target, ByteRange range)
    {
        if (error == Errno.ENOSPC)
        {
            throw new SharedMemoryException(error, nameof(Libc.fallocate), target.Name.Text, $"{range.Length} bytes asked, {Room(target)}");
        }

        if (error == Errno.EOPNOTSUPP)
        {
            throw new PlatformNotSupportedException(
                "The file system behind this object cannot reserve memory (fallocate). Use Backing.Sparse.");
        }

        if (!error.IsSuccess)
        {
            throw Refused(error, nameof(Libc.fallocate), target, MemorySeals.Grow);
        }
    }

    /// <summary>Whether an object takes from the machine's memory: files on disk do not, and huge pages are set aside beforehand.</summary>
    private bool IsOrdinaryMemory(in OpenObject target) => TryStatFileSystem(target, out var fileSystem) && fileSystem.f_type == TMPFS_MAGIC;

    private bool TryStatFileSystem(in OpenObject target, out LinuxStatfs fileSystem)
    {
        fileSystem = default;
        return (Fails("fstatfs") ? -1 : Libc.fstatfs_linux(target.Handle, out fileSystem)) != -1;
    }

    /// <summary>What a request was too large for.</summary>
    private string Room(in OpenObject target) =>
        !TryStatFileSystem(target, out var fileSystem) ? "more than there is"
        : fileSystem.f_type == HUGETLBFS_MAGIC ? TooFewHugePages(fileSystem.f_bsize)
        : $"{UsageOf(fileSystem).AvailableBytes} bytes available in its file system";

    private SharedMemoryUsage? Usage(in OpenObject target) => TryStatFileSystem(target, out var fileSystem) ? UsageOf(fileSystem) : null;
}
