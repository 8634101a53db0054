using System.Globalization;
using System.Text;
using Microsoft.Win32.SafeHandles;
using Posix.SharedMemory.Interop;
using static Posix.SharedMemory.Interop.Linux;
using static Posix.SharedMemory.Interop.Unix;

namespace Posix.SharedMemory;

// The calls that take a path, named object or file: bytes with a NUL behind the end.
internal partial class LinuxPlatform
{
    /// <summary>How often to open again, about a second in all, while somebody asks whether he has the object alone: that takes microseconds, unless he is stopped there.</summary>
    private const int WaitsForAsker = 1000;

    internal override Errno OpenFile(in FilePath path, out SafeFileHandle? handle) =>
        OpenRegularFile(path.Bytes, O_RDWR | O_CLOEXEC, UnixFileMode.None, out handle);

    internal override Errno RemoveFile(in FilePath path) => UnlinkPath(path.Bytes);

    internal override Errno FindFile(in FilePath path, out ObjectIdentity identity)
    {
        var error = StatPath(path.Bytes, out var statx);
        identity = StatusOf(statx).Identity;
        return error;
    }

    private unsafe Errno OpenPath(ReadOnlySpan<byte> path, int flags, UnixFileMode permissions, out SafeFileHandle? handle)
    {
        nint result;
        do
        {
            // SAFETY: the path is pinned for the length of the call and ends with a NUL.
            fixed (byte* pathPointer = path)
            {
                result = Fails(nameof(Libc.open)) ? -1 : Libc.open(pathPointer, flags, (uint)permissions);
            }
        }
        while (IsInterrupted(result));
        handle = result == -1 ? null : new SafeFileHandle(result, ownsHandle: true);
        return ErrorOf(result);
    }

    /// <summary>Opens what a neighbour may have put there, if it is a regular file.</summary>
    private Errno OpenRegularFile(ReadOnlySpan<byte> path, int flags, UnixFileMode permissions, out SafeFileHandle? handle)
    {
        // With O_NONBLOCK a FIFO or a terminal answers at once; for a regular file it changes nothing, but that an asker is not waited for.
        var error = OpenPath(path, flags | O_NONBLOCK, permissions, out handle);
        for (var attempt = default(SpinWait); error == Errno.EAGAIN && attempt.Count < WaitsForAsker; attempt.SpinOnce())
        {
            // Somebody asks at this moment whether he has the object alone, as IsHeldByOthers does.
            error = OpenPath(path, flags | O_NONBLOCK, permissions, out handle);
        }

        if (handle is null)
        {
            return error;
        }

        error = TryStat(handle, STATX_TYPE, out var statx);
        error = !error.IsSuccess || IsRegularFile(statx) ? error : Errno.EINVAL;
        if (!error.IsSuccess)
        {
            handle.Dispose();
            handle = null;
        }

        return error;
    }

    private unsafe Errno UnlinkPath(ReadOnlySpan<byte> path)
    {
        // SAFETY: the path is pinned for the length of the call and ends with a NUL.
        fixed (byte* pathPointer = path)
        {
            return ErrorOf(Fails(nameof(Libc.unlink)) ? -1 : Libc.unlink(pathPointer));
        }
    }

    private unsafe Errno RenamePath(ReadOnlySpan<byte> from, ReadOnlySpan<byte> to)
    {
        // SAFETY: both paths are pinned for the length of the call and end with a NUL.
        fixed (byte* fromPointer = from, toPointer = to)
        {
            return ErrorOf(Fails(nameof(Libc.rename)) ? -1 : Libc.rename(fromPointer, toPointer));
        }
    }

    private unsafe Errno StatPath(ReadOnlySpan<byte> path, out LinuxStatx statx)
    {
        statx = default;
        // SAFETY: the path is pinned for the length of the call and ends with a NUL.
        fixed (byte* pathPointer = path)
        {
            return ErrorOf(Fails(nameof(Libc.statx))
                ? -1
                : Libc.statx(SYS_statx, AT_FDCWD, pathPointer, AT_SYMLINK_NOFOLLOW, STATX_BASIC_STATS | STATX_BTIME, out statx));
        }
    }

    /// <summary>Sets the permissions of what a descriptor stands for, also one that was opened for nothing (<c>O_PATH</c>), which <c>fchmod</c> refuses.</summary>
    private unsafe Errno SetPermissionsThroughProc(SafeFileHandle handle, UnixFileMode permissions)
    {
        var pinned = false;
        try
        {
            handle.DangerousAddRef(ref pinned);
            var path = Encoding.ASCII.GetBytes(string.Create(CultureInfo.InvariantCulture, $"/proc/self/fd/{(int)handle.DangerousGetHandle()}\0"));
            nint result;
            do
            {
                // SAFETY: the path is pinned for the length of the call and ends with a NUL.
                fixed (byte* pathPointer = path)
                {
                    result = Fails(nameof(Libc.chmod)) ? -1 : Libc.chmod(pathPointer, (uint)permissions);
                }
            }
            while (IsInterrupted(result));
            var error = ErrorOf(result);
            return error == Errno.ENOENT && !Directory.Exists("/proc/self/fd")
                ? throw new PlatformNotSupportedException("Setting the permissions of an object without opening it needs /proc to be mounted. Open it, and set Permissions.")
                : error;
        }
        finally
        {
            if (pinned)
            {
                handle.DangerousRelease();
            }
        }
    }

    /// <summary>Gives a file without a name its first one.</summary>
    private unsafe Errno LinkPath(in OpenObject target, ReadOnlySpan<byte> path)
    {
        var pinned = false;
        try
        {
            target.Handle.DangerousAddRef(ref pinned);
            var descriptor = (int)target.Handle.DangerousGetHandle();
            Span<byte> source = stackalloc byte[32];
            source.Clear();
            // SAFETY: both paths are pinned for the length of the calls and end with a NUL.
            fixed (byte* pathPointer = path, sourcePointer = source)
            {
                // By the descriptor itself: allowed to the one who opened it since Linux 6.10, before that only to root.
                var error = ErrorOf(Fails(nameof(Libc.linkat))
                    ? -1
                    : Libc.linkat(descriptor, sourcePointer, AT_FDCWD, pathPointer, AT_EMPTY_PATH));
                if (error != Errno.ENOENT)
                {
                    return error;
                }

                _ = Encoding.ASCII.GetBytes(string.Create(CultureInfo.InvariantCulture, $"/proc/self/fd/{descriptor}"), source);
                error = ErrorOf(Fails(nameof(Libc.linkat))
                    ? -1
                    : Libc.linkat(AT_FDCWD, sourcePointer, AT_FDCWD, pathPointer, AT_SYMLINK_FOLLOW));
                return error == Errno.ENOENT && !Directory.Exists("/proc/self/fd")
                    ? throw new PlatformNotSupportedException(
                        "Giving a file its name needs Linux 6.10, or /proc to be mounted. Use Open with FileMode.CreateNew, then SetLength.")
                    : error;
            }
        }
        finally
        {
            if (pinned)
            {
                target.Handle.DangerousRelease();
            }
        }
    }
}
