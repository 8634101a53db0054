using System.Runtime.InteropServices;
using Posix.SharedMemory.Interop;
using static Posix.SharedMemory.Interop.Linux;
using static Posix.SharedMemory.SystemCalls;

namespace Posix.SharedMemory;

/// <summary>Reports by <c>newfstatat</c> what <c>statx</c> reports, where a filter or a kernel before 4.11 refuses that. Creation times are missing then.</summary>
internal readonly struct LinuxPlainStat(SystemCalls calls)
{
    private const string Call = "newfstatat";

    /// <summary>Returns whether an error says that a call is refused: with the arguments that they get here, neither has one of these errors for another reason.</summary>
    private static bool IsRefusal(Errno error) => error is Errno.ENOSYS or Errno.EPERM or Errno.EINVAL;

    /// <param name="directory">The directory, or the descriptor of which an empty path speaks.</param>
    /// <param name="path">It ends with a NUL.</param>
    /// <param name="flags">Those of <c>statx</c>.</param>
    /// <param name="failure">The error of <c>statx</c>, which is returned if it does not say that the call is refused, or if this call is refused too.</param>
    /// <param name="statx">The answer.</param>
    internal Errno Get(int directory, ReadOnlySpan<byte> path, int flags, Errno failure, out LinuxStatx statx)
    {
        if (!IsRefusal(failure))
        {
            statx = default;
            return failure;
        }

        var plain = flags & ~AT_STATX_DONT_SYNC;
        var error = RuntimeInformation.ProcessArchitecture == Architecture.X64 ? GetX64(directory, path, plain, out statx) : GetGeneric(directory, path, plain, out statx);
        return IsRefusal(error) ? failure : error;
    }

    private Errno GetX64(int directory, ReadOnlySpan<byte> path, int flags, out LinuxStatx statx)
    {
        LinuxStatX64 found = default;
        // SAFETY: the import pins the reference for the length of the call, and the path ends with a NUL.
        var error = ErrorOf(calls.Fails(Call) ? -1 : Libc.newfstatat(SYS_newfstatat, directory, ref MemoryMarshal.GetReference(path), out found, flags));
        statx = Common(found.st_dev, found.st_ino, found.st_size, found.st_blocks);
        (statx.stx_mode, statx.stx_nlink, statx.stx_uid, statx.stx_gid) = ((ushort)found.st_mode, (uint)found.st_nlink, found.st_uid, found.st_gid);
        statx.stx_atime = TimeOf(found.st_atim_sec, found.st_atim_nsec);
        statx.stx_mtime = TimeOf(found.st_mtim_sec, found.st_mtim_nsec);
        statx.stx_ctime = TimeOf(found.st_ctim_sec, found.st_ctim_nsec);
        return error;
    }

    private Errno GetGeneric(int directory, ReadOnlySpan<byte> path, int flags, out LinuxStatx statx)
    {
        LinuxStatGeneric found = default;
        // SAFETY: as above.
        var error = ErrorOf(calls.Fails(Call) ? -1 : Libc.newfstatat(SYS_newfstatat, directory, ref MemoryMarshal.GetReference(path), out found, flags));
        statx = Common(found.st_dev, found.st_ino, found.st_size, found.st_blocks);
        (statx.stx_mode, statx.stx_nlink, statx.stx_uid, statx.stx_gid) = ((ushort)found.st_mode, found.st_nlink, found.st_uid, found.st_gid);
        statx.stx_atime = TimeOf(found.st_atim_sec, found.st_atim_nsec);
        statx.stx_mtime = TimeOf(found.st_mtim_sec, found.st_mtim_nsec);
        statx.stx_ctime = TimeOf(found.st_ctim_sec, found.st_ctim_nsec);
        return error;
    }

    /// <summary>What both layouts have. The device is encoded as makedev(3) does.</summary>
    private static LinuxStatx Common(ulong device, ulong inode, long size, long blocks) => new()
    {
        stx_mask = (uint)STATX_BASIC_STATS,
        stx_ino = inode,
        stx_size = (ulong)size,
        stx_blocks = (ulong)blocks,
        stx_dev_major = (uint)(((device >> 8) & 0xFFF) | ((device >> 32) & 0xFFFFF000)),
        stx_dev_minor = (uint)((device & 0xFF) | ((device >> 12) & 0xFFFFFF00)),
    };

    private static LinuxStatxTimestamp TimeOf(long seconds, long nanoseconds) => new() { tv_sec = seconds, tv_nsec = (uint)nanoseconds };
}
