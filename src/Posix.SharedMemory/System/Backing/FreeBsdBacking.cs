using System.Runtime.InteropServices;
using Posix.SharedMemory.Interop;
using static Posix.SharedMemory.Interop.FreeBsd;
using static Posix.SharedMemory.SystemCalls;

namespace Posix.SharedMemory;

/// <summary>FreeBSD: an object is charged to swap as far as it is long, whoever sets the length; there is nothing between sparse and reserved.</summary>
internal sealed class FreeBsdBacking(SystemCalls calls, FreeBsdFiles files, SystemSeals seals, SystemMapping mapping) : PosixBacking(calls, seals)
{
    // The times that DateTimeOffset can hold.
    private const long EarliestSecond = -62135596800, LatestSecond = 253402300799;

    private readonly SystemCalls _calls = calls;
    private readonly LastPage _lastPage = new(calls, seals, mapping);

    internal override long GetLength(in OpenObject target) => files.Stat(target).st_size;

    internal override SharedMemoryStatus GetStatus(in OpenObject target)
    {
        var stat = files.Stat(target);
        // st_nlink counts the users of the memory and st_blocks pages that need not exist: neither is what is wanted here.
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

    internal override void SetInitialLength(in OpenObject target, long length, Backing backing) => Extend(target, length);

    internal override bool Grow(in OpenObject target, long length, Backing backing)
    {
        // The monitor keeps apart the threads that share this open. Between processes there is no lock to take: two that
        // grow an object from inside one page at the same time may clear what the faster one has stored there.
        lock (target.Handle)
        {
            var from = GetLength(target);
            if (from < length)
            {
                _lastPage.ClearPast(target, from);
                Extend(target, length);
            }

            return from <= length;
        }
    }

    internal override void Reserve(in OpenObject target, ByteRange range) => Allocate(target, range);

    internal override void Discard(in OpenObject target, ByteRange range)
    {
        var rest = new FreeBsdSpacectlRange { r_offset = range.Offset, r_len = range.Length };
        try
        {
            // The kernel leaves in the range what is still to do.
            var result = _calls.Repeat(nameof(Libc.fspacectl), (target.Handle, rest), static (ref a) => Deallocate(a.Handle, ref a.rest));
            Check(result, nameof(Libc.fspacectl), target.Name);
        }
        catch (EntryPointNotFoundException e)
        {
            throw new PlatformNotSupportedException("FreeBSD gives memory back from version 14 on (fspacectl). Clear the bytes.", e);
        }
    }

    private static unsafe int Deallocate(Microsoft.Win32.SafeHandles.SafeFileHandle handle, ref FreeBsdSpacectlRange rest)
    {
        // SAFETY: the range is pinned for the length of the call.
        fixed (FreeBsdSpacectlRange* range = &rest)
        {
            return Libc.fspacectl(handle, SPACECTL_DEALLOC, range, 0, range);
        }
    }

    /// <summary>Makes an object longer, never shorter: not even where another process has made it longer still. <c>ftruncate</c> would.</summary>
    private void Extend(in OpenObject target, long length) => Allocate(target, new(0, length));

    private void Allocate(in OpenObject target, ByteRange range)
    {
        if (range.Length == 0)
        {
            return;
        }

        Errno error;
        do
        {
            error = ErrnoNumbers.Read(_calls.Fails(nameof(Libc.posix_fallocate))
                ? Marshal.GetLastPInvokeError()
                : Libc.posix_fallocate(target.Handle, range.Offset, range.Length));
        }
        while (error == Errno.EINTR);

        if (error == Errno.ENOMEM || error == Errno.ENOSPC)
        {
            throw new SharedMemoryException(
                Errno.ENOSPC, nameof(Libc.posix_fallocate), target.Name.Text,
                $"{range.Length} bytes requested; the swap that the system or RLIMIT_SWAP allows is used up");
        }

        Check(error, nameof(Libc.posix_fallocate), target.Name);
    }

    /// <summary>The kernel keeps one name with the object, and none once it is unlinked; 0 also where it may not be asked.</summary>
    private long CountNames(in OpenObject target)
    {
        Span<byte> record = stackalloc byte[FreeBsdKinfoFile.Size];
        return files.Describe(target, record).IsSuccess && record[FreeBsdKinfoFile.kf_path] != 0 ? 1 : 0;
    }

    private static DateTimeOffset TimeOf(long seconds, long nanoseconds) =>
        DateTimeOffset.FromUnixTimeSeconds(Math.Clamp(seconds, EarliestSecond, LatestSecond)).AddTicks(nanoseconds / 100);
}
