using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;
using Posix.SharedMemory.Interop;
using static Posix.SharedMemory.Interop.Linux;
using static Posix.SharedMemory.Interop.Unix;

namespace Posix.SharedMemory;

internal partial class LinuxPlatform
{
    // The times that DateTimeOffset can hold; a file may carry any 64-bit number of seconds.
    private const long EarliestSecond = -62135596800, LatestSecond = 253402300799;

    internal override FileAccess? Examine(in OpenObject target, out long pageSize)
    {
        pageSize = MemoryPage.Size;
        nint flags = Fails(nameof(Libc.fcntl)) ? -1 : Libc.fcntl(target.Handle, F_GETFL, 0);
        Check(flags, "fcntl(F_GETFL)", target.Name);
        // Only files of memory have seals. Unlike a look at its file system, this asks nobody who might not answer for what a stranger sent.
        var error = (flags & O_PATH) == 0 ? GetSeals(target, out _) : Errno.EINVAL;
        if (error == Errno.EINVAL)
        {
            return null;
        }

        ThrowIfFailed(error, "fcntl(F_GET_SEALS)", target.Name);
        pageSize = GetPageSize(target);
        return (flags & O_ACCMODE) switch
        {
            O_RDONLY => FileAccess.Read,
            O_RDWR => FileAccess.ReadWrite,
            _ => null,
        };
    }

    internal override long GetPageSize(in OpenObject target)
    {
        LinuxStatfs fileSystem = default;
        Check(Fails("fstatfs") ? -1 : Libc.fstatfs_linux(target.Handle, out fileSystem), "fstatfs", target.Name);
        return fileSystem.f_type == HUGETLBFS_MAGIC ? fileSystem.f_bsize : MemoryPage.Size;
    }

    internal override long GetLength(in OpenObject target)
    {
        ThrowIfFailed(TryStat(target.Handle, STATX_SIZE, out var statx), nameof(Libc.statx), target.Name);
        return (long)statx.stx_size;
    }

    internal override SharedMemoryStatus GetStatus(in OpenObject target)
    {
        var error = TryStat(target.Handle, STATX_BASIC_STATS | STATX_BTIME, out var statx);
        ThrowIfFailed(error, nameof(Libc.statx), target.Name);
        return StatusOf(statx);
    }

    internal override ObjectExtent GetExtent(in OpenObject target)
    {
        // Not the times: of a file whose times were asked, the next write stores finer ones, which costs more.
        ThrowIfFailed(TryStat(target.Handle, STATX_SIZE | STATX_BLOCKS, out var statx), nameof(Libc.statx), target.Name);
        return new((long)statx.stx_size, AllocatedBytesOf(statx));
    }

    internal override Errno Send(in OpenObject target, SafeHandle destination, ByteRange range, out long sent)
    {
        // One call moves at most 2 GiB less a page.
        const long Most = 0x7FFFF000;
        var offset = range.Offset;
        var count = (nuint)Math.Min(range.Length, Most);
        nint result;
        do
        {
            result = Fails("sendfile") ? -1 : Libc.sendfile_linux(destination, target.Handle, ref offset, count);
        }
        while (IsInterrupted(result));
        sent = Math.Max(result, 0);
        return ErrorOf(result);
    }

    internal override unsafe Errno Receive(in OpenObject target, SafeFileHandle source, ByteRange range, out long received)
    {
        received = 0;
        if (!IsWithinFileSizeLimit(target, range.End, out var limit))
        {
            throw BeyondFileSizeLimit(nameof(Libc.copy_file_range), target, range.End, limit);
        }

        var offset = range.Offset;
        nint result;
        do
        {
            // SAFETY: without an address for its offset, the source is read at its own position.
            result = Fails(nameof(Libc.copy_file_range))
                ? -1
                : Libc.copy_file_range(SYS_copy_file_range, source, null, target.Handle, ref offset, (nuint)range.Length, 0);
        }
        while (IsInterrupted(result));
        var error = ErrorOf(result);
        if (error == Errno.EINVAL)
        {
            // Not a file: a pipe has a call of its own.
            do
            {
                // SAFETY: as above.
                result = Fails(nameof(Libc.splice)) ? -1 : Libc.splice(source, null, target.Handle, ref offset, (nuint)range.Length, 0);
            }
            while (IsInterrupted(result));
            error = ErrorOf(result);
        }

        received = Math.Max(result, 0);
        return error == Errno.EPERM ? throw Refused(error, nameof(Libc.copy_file_range), target, SealRefusal.AgainstWriting) : error;
    }

    private unsafe Errno TryStat(SafeFileHandle handle, int mask, out LinuxStatx statx)
    {
        byte empty = 0;
        // SAFETY: callers look at it only where there was no error, and then the kernel has filled it.
        Unsafe.SkipInit(out statx);
        // SAFETY: the empty path is a local.
        return ErrorOf(Fails(nameof(Libc.statx)) ? -1 : Libc.statx(SYS_statx, handle, &empty, AT_EMPTY_PATH, mask, out statx));
    }

    private static void ThrowIfFailed(Errno error, string operation, in ObjectName name)
    {
        if (!error.IsSuccess)
        {
            throw new SharedMemoryException(error, operation, name.Text);
        }
    }

    private protected override int AppendFlag => O_APPEND;

    private protected override bool IsRegularFile(SafeFileHandle handle) => TryStat(handle, STATX_TYPE, out var statx).IsSuccess && IsRegularFile(statx);

    private static bool IsRegularFile(in LinuxStatx statx) => (statx.stx_mode & S_IFMT) == S_IFREG;

    /// <summary>The kernel counts blocks of 512 bytes, whatever the file system's are.</summary>
    private static long AllocatedBytesOf(in LinuxStatx statx) => (long)statx.stx_blocks * 512;

    private static SharedMemoryStatus StatusOf(in LinuxStatx statx) => new()
    {
        Length = (long)statx.stx_size,
        AllocatedBytes = AllocatedBytesOf(statx),
        Permissions = (UnixFileMode)(statx.stx_mode & 0xFFF),
        UserId = statx.stx_uid,
        GroupId = statx.stx_gid,
        Identity = new(MakeDevice(statx.stx_dev_major, statx.stx_dev_minor), statx.stx_ino),
        NameCount = statx.stx_nlink,
        LastAccessTime = TimeOf(statx.stx_atime),
        LastWriteTime = TimeOf(statx.stx_mtime),
        LastChangeTime = TimeOf(statx.stx_ctime),
        CreationTime = (statx.stx_mask & STATX_BTIME) == 0 ? DateTimeOffset.UnixEpoch : TimeOf(statx.stx_btime),
    };

    /// <summary>The encoding of <c>st_dev</c>, makedev(3).</summary>
    internal static ulong MakeDevice(ulong major, ulong minor) =>
        ((major & 0xFFF) << 8) | (minor & 0xFF) | ((minor & ~0xFFUL) << 12) | ((major & ~0xFFFUL) << 32);

    private static DateTimeOffset TimeOf(in LinuxStatxTimestamp time) =>
        DateTimeOffset.FromUnixTimeSeconds(Math.Clamp(time.tv_sec, EarliestSecond, LatestSecond)).AddTicks(time.tv_nsec / 100);
}
