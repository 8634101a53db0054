using Posix.SharedMemory.Inspection;
using System.Runtime.InteropServices;
using Posix.SharedMemory.Interop;
using static Posix.SharedMemory.Interop.FreeBsd;

namespace Posix.SharedMemory;

/// <summary>FreeBSD 13 and later: objects of the kernel's own that can be read, written, sent and renamed.</summary>
/// <remarks>
/// Written by FreeBSD's published headers and kernel source (sys/kern/uipc_shm.c). It has not been run on FreeBSD yet.
/// The kernel drops set-user, set-group and sticky, when an object is made and when its permissions are set. Removing or
/// renaming needs permission to read and write the object itself, also for its owner.
/// </remarks>
internal sealed partial class FreeBsdPlatform : BsdPlatform
{
    // The times that DateTimeOffset can hold.
    private const long EarliestSecond = -62135596800, LatestSecond = 253402300799;

    internal override Errno Rename(in ObjectName from, in ObjectName to, RenameMode mode) => RenameWithFlags(from, to, mode switch
    {
        RenameMode.Exchange => SHM_RENAME_EXCHANGE,
        RenameMode.NoReplace => SHM_RENAME_NOREPLACE,
        _ => 0,
    });

    internal override SharedMemoryHolderIndex IndexHolders(ObjectIdentity? only) => throw new PlatformNotSupportedException(
        "Who holds a shared memory object is not looked up on FreeBSD. procstat(1) shows it: procstat files -a, procstat vm -a.");

    internal override FileAccess? Examine(in OpenObject target, out long pageSize)
    {
        Span<byte> record = stackalloc byte[FreeBsdKinfoFile.Size];
        var error = Describe(target, record);
        pageSize = Stat(target).st_blksize;
        return !error.IsSuccess ? throw new SharedMemoryException(error, "fcntl(F_KINFO)", target.Name.Text)
            : MemoryMarshal.Read<int>(record[FreeBsdKinfoFile.kf_type..]) == KF_TYPE_SHM ? AccessOf(target)
            : null;
    }

    internal override long GetLength(in OpenObject target) => Stat(target).st_size;

    internal override SharedMemoryStatus GetStatus(in OpenObject target)
    {
        var stat = Stat(target);
        // st_nlink counts the users of the memory and st_blocks pages that there need not be: neither is what is asked here.
        return new()
        {
            Length = stat.st_size,
            Permissions = (UnixFileMode)(stat.st_mode & 0xFFF),
            UserId = stat.st_uid,
            GroupId = stat.st_gid,
            Identity = new(stat.st_dev, stat.st_ino),
            NameCount = CountNames(target),
            LastAccessTime = TimeOf(stat.st_atim_sec, stat.st_atim_nsec),
            LastWriteTime = TimeOf(stat.st_mtim_sec, stat.st_mtim_nsec),
            LastChangeTime = TimeOf(stat.st_ctim_sec, stat.st_ctim_nsec),
            CreationTime = TimeOf(stat.st_birthtim_sec, stat.st_birthtim_nsec),
        };
    }

    internal override unsafe Errno Send(in OpenObject target, SafeHandle destination, ByteRange range, out long sent)
    {
        sent = 0;
        if (range.Length == 0)
        {
            // To sendfile no bytes means all up to the end.
            return default;
        }

        nint result;
        do
        {
            // SAFETY: no header or trailer is passed.
            result = Fails("sendfile")
                ? -1
                : Libc.sendfile_freebsd(target.Handle, destination, range.Offset, checked((nuint)range.Length), null, out sent, 0);
        }
        while (IsInterrupted(result) && sent == 0);

        // A call that fails half-way tells what it sent; the next one meets the failure again.
        var error = sent > 0 ? default : ErrorOf(result);
        return error == Errno.ENOTSOCK ? Errno.EINVAL : error;
    }

    private protected override unsafe int ShmOpen(byte* path, int flags, uint mode) => Libc.shm_open(path, flags, mode);

    private unsafe Errno RenameWithFlags(in ObjectName from, in ObjectName to, int flags)
    {
        Span<byte> oldPath = stackalloc byte[PathBytes];
        Span<byte> newPath = stackalloc byte[PathBytes];
        WritePath(from, oldPath);
        WritePath(to, newPath);
        // SAFETY: both paths are pinned for the length of the call and end with a NUL.
        fixed (byte* oldPointer = oldPath, newPointer = newPath)
        {
            return ErrorOf(Fails(nameof(Libc.shm_rename)) ? -1 : Libc.shm_rename(oldPointer, newPointer, flags));
        }
    }

    private FreeBsdStat Stat(in OpenObject target)
    {
        FreeBsdStat stat = default;
        Check(Fails("fstat") ? -1 : Libc.fstat_freebsd(target.Handle, out stat), "fstat", target.Name);
        return stat;
    }

    /// <summary>The kernel keeps one name with the object, and none once it is unlinked; 0 also where it may not be asked.</summary>
    private long CountNames(in OpenObject target)
    {
        Span<byte> record = stackalloc byte[FreeBsdKinfoFile.Size];
        return Describe(target, record).IsSuccess && record[FreeBsdKinfoFile.kf_path] != 0 ? 1 : 0;
    }

    /// <summary>Asks what stands behind a descriptor: its kind and its name. Not possible in capability mode.</summary>
    private unsafe Errno Describe(in OpenObject target, Span<byte> record)
    {
        record.Clear();
        MemoryMarshal.Write(record[FreeBsdKinfoFile.kf_structsize..], FreeBsdKinfoFile.Size);
        // SAFETY: the record is pinned for the length of the call and has the size that it names.
        fixed (byte* pointer = record)
        {
            return ErrorOf(Fails(nameof(Libc.fcntl)) ? -1 : Libc.fcntl_kinfo(target.Handle, F_KINFO, pointer));
        }
    }

    private static DateTimeOffset TimeOf(long seconds, long nanoseconds) =>
        DateTimeOffset.FromUnixTimeSeconds(Math.Clamp(seconds, EarliestSecond, LatestSecond)).AddTicks(nanoseconds / 100);
}
