using System.Globalization;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Text;
using Microsoft.Win32.SafeHandles;
using Posix.SharedMemory.Interop;
using static Posix.SharedMemory.Interop.Linux;
using static Posix.SharedMemory.Interop.Unix;
using static Posix.SharedMemory.SystemCalls;

using Posix.SharedMemory.Inspection;

namespace Posix.SharedMemory;

/// <summary>Linux: the calls on paths and files that more than one role makes. Named objects are files there.</summary>
/// <remarks>A path is bytes that end with a NUL.</remarks>
internal sealed class LinuxFiles(SystemCalls calls)
{
    /// <summary>How often to open again, about a second in all, while another process does what takes microseconds, unless it is stopped there.</summary>
    private const int AttemptsBesideOther = 1000;

    // The times that DateTimeOffset can hold; a file may carry any 64-bit number of seconds.
    private const long EarliestSecond = -62135596800, LatestSecond = 253402300799;

    /// <summary>Gets what closes the library's own descriptors: one, since every message and every question about an object ends there.</summary>
    private LinuxUnseenDescriptors Unseen => field ??= new(calls, this);

    /// <summary>Gets where named objects are.</summary>
    internal static ReadOnlySpan<byte> Directory => "/dev/shm\0"u8;

    internal Errno Open(ReadOnlySpan<byte> path, int flags, UnixFileMode permissions, out SafeFileHandle? handle)
    {
        var result = calls.OnBytes(nameof(Libc.open), path, (flags, (uint)permissions), static (ref path, _, ref a) => Libc.open(ref path, a.flags, a.Item2));
        handle = result == -1 ? null : new SafeFileHandle(result, ownsHandle: true);
        return ErrorOf(result);
    }

    /// <summary>Opens what another process may have put there, if it is a regular file.</summary>
    internal Errno OpenRegularFile(ReadOnlySpan<byte> path, int flags, UnixFileMode permissions, out SafeFileHandle? handle)
    {
        // With O_NONBLOCK a FIFO or a terminal answers at once; for a regular file it changes nothing, except that a probe is not waited for.
        var error = Open(path, flags | O_NONBLOCK, permissions, out handle);
        if (error is Errno.EAGAIN or Errno.ELOOP)
        {
            error = OpenBesideOther(error, path, flags | O_NONBLOCK, permissions, out handle);
        }

        if (handle is not null && !IsRegularFile(handle, out error))
        {
            CloseUnseen(handle);
            handle = null;
        }

        return error;
    }

    /// <summary>Opens again what failed because another process probes for exclusive access, as IsHeld does, or moves an object to this name.</summary>
    private Errno OpenBesideOther(Errno error, ReadOnlySpan<byte> path, int flags, UnixFileMode permissions, out SafeFileHandle? handle)
    {
        handle = null;
        for (var attempt = default(SpinWait); attempt.Count < AttemptsBesideOther && (error == Errno.EAGAIN || (error == Errno.ELOOP && new LinuxReservation(calls, this).WasAt(path)));)
        {
            attempt.SpinOnce();
            error = Open(path, flags, permissions, out handle);
        }

        return error;
    }

    private bool IsRegularFile(SafeFileHandle handle, out Errno error)
    {
        error = default;
        // Only regular files of memory have seals. To ask for them takes less than half of what statx takes.
        if (!calls.Fails("fcntl(F_GET_SEALS)") && Libc.fcntl(handle, F_GET_SEALS, 0) != -1)
        {
            return true;
        }

        error = Stat(handle, STATX_TYPE, out var statx);
        error = !error.IsSuccess || IsRegularFile(statx) ? error : Errno.EINVAL;
        return error.IsSuccess;
    }

    /// <summary>Returns whether a file can be sealed, which only regular files of memory can: in a tmpfs, or of huge pages; <see langword="null"/> where a filter refuses to say.</summary>
    private bool? HasSeals(SafeFileHandle handle) =>
        (calls.Fails("fcntl(F_GET_SEALS)") ? -1 : Libc.fcntl(handle, F_GET_SEALS, 0)) is var result && result != -1 ? true
        : ErrorOf(result) == Errno.EINVAL ? false
        : null;

    /// <summary>Opens a regular file for the library itself, which closes it by <see cref="CloseUnseen"/>.</summary>
    internal Errno OpenUnseen(ReadOnlySpan<byte> path, int flags, out SafeFileHandle? handle)
    {
        handle = Unseen.Take(path, flags & O_ACCMODE);
        return handle is null ? OpenRegularFile(path, flags | O_CLOEXEC, UnixFileMode.None, out handle) : default;
    }

    /// <summary>As <see cref="OpenUnseen"/>, for a caller that compares what was opened with the regular file that it is to be: whether it is one needs no call of its own then.</summary>
    internal Errno OpenUnseenWhateverItIs(ReadOnlySpan<byte> path, int flags, out SafeFileHandle? handle)
    {
        handle = Unseen.Take(path, flags & O_ACCMODE);
        if (handle is not null)
        {
            return default;
        }

        flags |= O_CLOEXEC | O_NONBLOCK;
        var error = Open(path, flags, UnixFileMode.None, out handle);
        return error is Errno.EAGAIN or Errno.ELOOP ? OpenBesideOther(error, path, flags, UnixFileMode.None, out handle) : error;
    }

    /// <summary>Closes a descriptor that no caller knows of. Record locks that the caller has on the file are unaffected.</summary>
    internal void CloseUnseen(SafeFileHandle handle) => Unseen.Close(handle);

    /// <summary>Closes what <see cref="CloseUnseen"/> could not close for the sake of locks that are gone now.</summary>
    internal void CloseIdle() => Unseen.CloseIdle();

    /// <summary>Opens again what a descriptor refers to, so that the result has a file position and locks of its own.</summary>
    internal Errno Reopen(in OpenObject target, int accessMode, out SafeFileHandle? handle)
    {
        using var descriptor = new PinnedDescriptor(target.Handle);
        Span<byte> path = stackalloc byte[PathInProcBytes];
        return Open(PathInProc(descriptor.Number, path), accessMode | O_CLOEXEC, UnixFileMode.None, out handle);
    }

    internal Errno Unlink(ReadOnlySpan<byte> path) =>
        ErrorOf(calls.OnBytes(nameof(Libc.unlink), path, 0, static (ref path, _, ref _) => Libc.unlink(ref path)));

    internal Errno Rename(ReadOnlySpan<byte> from, ReadOnlySpan<byte> to) =>
        calls.OnPaths(nameof(Libc.rename), from, to, 0, static (ref from, ref to, ref _) => Libc.rename(ref from, ref to));

    /// <summary>Gives a file without a name its first one.</summary>
    internal Errno Link(in OpenObject target, ReadOnlySpan<byte> path) => Link(target, path, nameof(Libc.linkat));

    /// <summary>Returns whether a file without a name can get one here. Before Linux 6.10 that needs /proc, and a filter may refuse the call.</summary>
    internal bool CanBeLinked(in OpenObject target)
    {
        // Nothing gets the name of the root directory: once all else is in order, the kernel says that it is taken.
        var error = Link(target, "/\0"u8, "linkat(/)");
        return error != Errno.ENOENT && !IsLinkRefusal(error);
    }

    private Errno Link(in OpenObject target, ReadOnlySpan<byte> path, string call)
    {
        using var descriptor = new PinnedDescriptor(target.Handle);
        // By the descriptor itself: allowed to the process that opened it since Linux 6.10, before that only to root.
        var error = calls.OnPaths(call, "\0"u8, path, descriptor.Number, static (ref empty, ref path, ref number) =>
            Libc.linkat(number, ref empty, AT_FDCWD, ref path, AT_EMPTY_PATH));
        if (error != Errno.ENOENT && !IsLinkRefusal(error))
        {
            return error;
        }

        Span<byte> source = stackalloc byte[PathInProcBytes];
        return calls.OnPaths(call, PathInProc(descriptor.Number, source), path, 0, static (ref source, ref path, ref _) =>
            Libc.linkat(AT_FDCWD, ref source, AT_FDCWD, ref path, AT_SYMLINK_FOLLOW));
    }

    /// <summary>Returns whether an error may say that a filter or the kernel refuses the call, or only one way to make it. EPERM may also be the truth: then the other way meets it too.</summary>
    private static bool IsLinkRefusal(Errno error) => error is Errno.ENOSYS or Errno.EPERM or Errno.EINVAL;

    /// <summary>Sets the permissions of what a descriptor stands for, also one that was opened for nothing (<c>O_PATH</c>), which <c>fchmod</c> refuses.</summary>
    internal Errno SetPermissionsThroughProc(SafeFileHandle handle, UnixFileMode permissions)
    {
        using var descriptor = new PinnedDescriptor(handle);
        Span<byte> path = stackalloc byte[PathInProcBytes];
        var error = ErrorOf(calls.OnBytes(nameof(Libc.chmod), PathInProc(descriptor.Number, path), (uint)permissions, static (ref path, _, ref mode) => Libc.chmod(ref path, mode)));
        return error == Errno.ENOENT && !System.IO.Directory.Exists("/proc/self/fd")
            ? throw new PlatformNotSupportedException("Setting the permissions of an object without opening it needs /proc to be mounted. Open it, and set Permissions.")
            : error;
    }

    /// <summary>Reports what a path leads to, without following a link at its end.</summary>
    internal Errno Stat(ReadOnlySpan<byte> path, out LinuxStatx statx) =>
        Stat(path, AT_SYMLINK_NOFOLLOW, STATX_BASIC_STATS | STATX_BTIME, out statx);

    /// <summary>Returns whether an object is in the file system of named objects, whether or not it has a name.</summary>
    internal bool IsInDirectory(in OpenObject target) =>
        StatBehind("/dev/shm", out var directory).IsSuccess
        && Stat(target.Handle, STATX_BASIC_STATS, out var statx).IsSuccess
        && StatusOf(statx).Identity.Device == directory.Identity.Device;

    /// <summary>Reports what a descriptor stands for.</summary>
    internal Errno Stat(SafeFileHandle handle, int mask, out LinuxStatx statx)
    {
        byte empty = 0;
        // SAFETY: callers read it only where there was no error, and then the kernel has filled it.
        Unsafe.SkipInit(out statx);
        var error = ErrorOf(calls.Fails(nameof(Libc.statx)) ? -1 : Libc.statx(SYS_statx, handle, ref empty, AT_EMPTY_PATH, mask, out statx));
        return error.IsSuccess ? error : StatPlainly(handle, "\0"u8, AT_EMPTY_PATH, error, out statx);
    }

    /// <summary>Follows a link in an open directory, such as /proc/PID/fd, to what it stands for. A file system that does not answer is not waited for.</summary>
    internal Errno StatIn(SafeFileHandle directory, ReadOnlySpan<byte> name, int mask, out LinuxStatx statx)
    {
        var arguments = (directory, mask, statx: default(LinuxStatx));
        var result = calls.OnBytes(nameof(Libc.statx), name, ref arguments, static (ref name, _, ref a) =>
            Libc.statx(SYS_statx, a.directory, ref name, AT_STATX_DONT_SYNC, a.mask, out a.statx));
        statx = arguments.statx;
        var error = ErrorOf(result);
        return error.IsSuccess ? error : StatPlainly(directory, name, 0, error, out statx);
    }

    /// <summary>Finds the path that a directory really has, where symbolic links lead to it.</summary>
    internal string? RealPathOf(ReadOnlySpan<byte> directory)
    {
        _ = Open(directory, O_PATH | O_DIRECTORY | O_CLOEXEC, UnixFileMode.None, out var handle);
        using (handle)
        {
            if (handle is null)
            {
                return null;
            }

            using var descriptor = new PinnedDescriptor(handle);
            try
            {
                return new FileInfo(string.Create(CultureInfo.InvariantCulture, $"/proc/self/fd/{descriptor.Number}")).LinkTarget;
            }
            catch (Exception e) when (e is IOException or UnauthorizedAccessException)
            {
                return null;
            }
        }
    }

    /// <summary>Follows a link, such as those in /proc, to what it stands for.</summary>
    internal Errno StatBehind(string path, out SharedMemoryStatus status)
    {
        var error = Stat(Encoding.ASCII.GetBytes(path + "\0"), AT_STATX_DONT_SYNC, STATX_BASIC_STATS, out var statx);
        status = StatusOf(statx);
        return error;
    }

    /// <summary>Returns whether an object is known to be in a tmpfs.</summary>
    internal bool IsOrdinaryMemory(in OpenObject target) => TryStatFileSystem(target, out var fileSystem) && fileSystem.f_type == TMPFS_MAGIC;

    /// <summary>
    /// Returns whether an object may take from the machine's memory: files on disk do not, and huge pages are set aside beforehand. Where a filter refuses <c>fstatfs</c>,
    /// whatever has seals or is in the directory of named objects may, or cannot be asked for seals either.
    /// </summary>
    /// <param name="target">The object.</param>
    /// <param name="fileSystem">What there is of its file system; without a size where that has none (ramfs), or is not known.</param>
    internal bool MayTakeMemory(in OpenObject target, out LinuxStatfs fileSystem) =>
        TryStatFileSystem(target, out fileSystem) ? fileSystem.f_type is TMPFS_MAGIC or RAMFS_MAGIC : HasSeals(target.Handle) != false || IsInDirectory(target);

    /// <summary>
    /// Returns whether the pages in memory are all that an object consists of, so that counting them, or the blocks that its status shows, says which parts of it exist.
    /// On a disk, an overlay or FUSE pages are only copies of what is elsewhere: there <c>lseek(SEEK_DATA)</c> says it.
    /// </summary>
    internal bool ConsistsOfPages(in OpenObject target) =>
        TryStatFileSystem(target, out var fileSystem) ? fileSystem.f_type is TMPFS_MAGIC or RAMFS_MAGIC or HUGETLBFS_MAGIC : HasSeals(target.Handle) == true;

    /// <summary>
    /// Returns whether the kernel counts a mapping of a file among its opens. An overlay keeps the file below it mapped, not its own; where a file system is not known to be otherwise, its count proves nothing.
    /// </summary>
    internal bool CountsMappings(in OpenObject target) =>
        HasSeals(target.Handle) == true
        || (TryStatFileSystem(target, out var fileSystem)
            && fileSystem.f_type is TMPFS_MAGIC or RAMFS_MAGIC or HUGETLBFS_MAGIC or EXT4_SUPER_MAGIC or XFS_SUPER_MAGIC or BTRFS_SUPER_MAGIC);

    /// <summary>Returns whether two hard links of one file may be two files to the kernel, each with bytes of its own until they are written back: FUSE servers that know files by their paths.</summary>
    /// <returns><see langword="true"/> also where it is not known.</returns>
    internal bool MayLinksBeTwoFiles(ReadOnlySpan<byte> path)
    {
        LinuxStatfs fileSystem = default;
        return calls.OnBytes("statfs", path, ref fileSystem, static (ref path, _, ref fileSystem) => Libc.statfs_linux(ref path, out fileSystem)) == -1
            || fileSystem.f_type == FUSE_SUPER_MAGIC;
    }

    internal bool TryStatFileSystem(in OpenObject target, out LinuxStatfs fileSystem)
    {
        fileSystem = default;
        return (calls.Fails("fstatfs") ? -1 : Libc.fstatfs_linux(target.Handle, out fileSystem)) != -1;
    }

    /// <summary>Reads how many bytes of a file system a user has taken and may take.</summary>
    /// <returns>Whether the user has such a limit, and this user may know it.</returns>
    /// <remarks><see href="https://man7.org/linux/man-pages/man2/quotactl.2.html">quotactl_fd(2)</see>, Linux 5.14.</remarks>
    internal bool TryGetQuota(in OpenObject target, uint userId, out long used, out long limit)
    {
        const int BlockBytes = 1024;
        LinuxQuota quota = default;
        var result = calls.Fails(nameof(Libc.quotactl_fd))
            ? -1
            : Libc.quotactl_fd(SYS_quotactl_fd, target.Handle, unchecked((nint)(uint)((Q_GETQUOTA << 8) | USRQUOTA)), (nint)userId, out quota);
        used = (long)quota.dqb_curspace;
        limit = (long)quota.dqb_bhardlimit * BlockBytes;
        return result == 0 && limit > 0;
    }

    internal static bool IsRegularFile(in LinuxStatx statx) => (statx.stx_mode & S_IFMT) == S_IFREG;

    /// <summary>The kernel counts blocks of 512 bytes, whatever the file system's are.</summary>
    internal static long AllocatedBytesOf(in LinuxStatx statx) => (long)statx.stx_blocks * 512;

    internal static SharedMemoryStatus StatusOf(in LinuxStatx statx) => new()
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

    internal static SharedMemoryUsage UsageOf(in LinuxStatfs fileSystem)
    {
        var block = fileSystem.f_frsize == 0 ? fileSystem.f_bsize : fileSystem.f_frsize;
        return new(
            (long)fileSystem.f_blocks * block,
            (long)(fileSystem.f_blocks - fileSystem.f_bfree) * block,
            (long)fileSystem.f_bavail * block)
        {
            TotalInodes = (long)fileSystem.f_files,
            AvailableInodes = (long)fileSystem.f_ffree,
        };
    }

    /// <summary>The encoding of <c>st_dev</c>, makedev(3).</summary>
    internal static ulong MakeDevice(ulong major, ulong minor) =>
        ((major & 0xFFF) << 8) | (minor & 0xFF) | ((minor & ~0xFFUL) << 12) | ((major & ~0xFFFUL) << 32);

    private const int PathInProcBytes = 32;

    private static ReadOnlySpan<byte> PathInProc(int descriptor, Span<byte> path)
    {
        path.Clear();
        "/proc/self/fd/"u8.CopyTo(path);
        _ = descriptor.TryFormat(path["/proc/self/fd/"u8.Length..], out _, provider: CultureInfo.InvariantCulture);
        return path;
    }

    private Errno Stat(ReadOnlySpan<byte> path, int flags, int mask, out LinuxStatx statx)
    {
        statx = default;
        // SAFETY: the import pins the reference for the length of the call, and the path ends with a NUL.
        var error = ErrorOf(calls.Fails(nameof(Libc.statx)) ? -1 : Libc.statx(SYS_statx, AT_FDCWD, ref MemoryMarshal.GetReference(path), flags, mask, out statx));
        return error.IsSuccess ? error : new LinuxPlainStat(calls).Get(AT_FDCWD, path, flags, error, out statx);
    }

    /// <summary>Asks again, in another way, where an error says that <c>statx</c> is refused.</summary>
    private Errno StatPlainly(SafeFileHandle directory, ReadOnlySpan<byte> path, int flags, Errno refusal, out LinuxStatx statx)
    {
        using var descriptor = new PinnedDescriptor(directory);
        return new LinuxPlainStat(calls).Get(descriptor.Number, path, flags, refusal, out statx);
    }

    private static DateTimeOffset TimeOf(in LinuxStatxTimestamp time) =>
        DateTimeOffset.FromUnixTimeSeconds(Math.Clamp(time.tv_sec, EarliestSecond, LatestSecond)).AddTicks(time.tv_nsec / 100);
}
