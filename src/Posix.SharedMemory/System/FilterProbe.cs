using Microsoft.Win32.SafeHandles;
using Posix.SharedMemory.Interop;
using static Posix.SharedMemory.Interop.Linux;
using static Posix.SharedMemory.Interop.Unix;

namespace Posix.SharedMemory;

/// <summary>Finds out which call a filter in front of the kernel (seccomp) refuses, so that a failure can name it.</summary>
/// <remarks>
/// Each call is made in a way that cannot succeed: on no descriptor, on an empty path, on memory that is not there. The kernel's answer to that is EBADF, ENOENT, EFAULT or ENOMEM; where
/// it is the error of the failure instead, something in front of the kernel gave it. A filter that looks at more arguments may stay unseen.
/// </remarks>
internal static class FilterProbe
{
    private static readonly SafeFileHandle s_none = new(-2, ownsHandle: false);

    /// <summary>The calls of an operation that is named for what it does to a name, in the order in which they are made.</summary>
    private static readonly Dictionary<string, string[]> s_callsOf = new(StringComparer.Ordinal)
    {
        ["shm_open"] = ["open", "statx", "linkat", "rename", "unlink"],
        ["shm_unlink"] = ["unlink", "statx"],
        ["shm_rename"] = ["rename", "renameat2", "linkat", "unlink", "statx"],
        ["open"] = ["open", "statx", "getdents64"],
        ["chmod"] = ["chmod", "open", "open(O_PATH)", "statx"],
        ["fcntl(F_SETFD)"] = ["fcntl(F_SETFD)", "fcntl(F_GETFD)"],
        ["Create"] = ["linkat", "rename", "unlink", "statx"],
        ["Publish"] = ["linkat", "renameat2", "rename", "unlink", "statx"],
        ["inotify"] = ["inotify_init1", "inotify_add_watch"],
    };

    private static readonly Dictionary<string, Func<nint>> s_probes = new(StringComparer.Ordinal)
    {
        ["open"] = static () => OnPath(static (ref path) => Libc.open(ref path, O_RDONLY | O_CLOEXEC, 0)),
        ["open(O_PATH)"] = static () => OnPath(static (ref path) => Libc.open(ref path, O_PATH | O_CLOEXEC, 0)),
        ["statx"] = static () => OnPath(static (ref path) => Libc.statx(SYS_statx, AT_FDCWD, ref path, 0, STATX_TYPE, out _)),
        ["linkat"] = static () => OnPath(static (ref path) => Libc.linkat(AT_FDCWD, ref path, AT_FDCWD, ref path, 0)),
        ["rename"] = static () => OnPath(static (ref path) => Libc.rename(ref path, ref path)),
        ["renameat2"] = static () => OnPath(static (ref path) => Libc.renameat2(SYS_renameat2, AT_FDCWD, ref path, AT_FDCWD, ref path, RENAME_NOREPLACE)),
        ["unlink"] = static () => OnPath(static (ref path) => Libc.unlink(ref path)),
        ["symlink"] = static () => OnPath(static (ref path) => Libc.symlink(ref path, ref path)),
        ["chmod"] = static () => OnPath(static (ref path) => Libc.chmod(ref path, 0)),
        ["statfs"] = static () => OnPath(static (ref path) => Libc.statfs_linux(ref path, out _)),
        ["inotify_add_watch"] = static () => OnPath(static (ref path) => Libc.inotify_add_watch(s_none, ref path, IN_CREATE)),
        ["memfd_create"] = static () => Libc.memfd_create(SYS_memfd_create, ref System.Runtime.CompilerServices.Unsafe.NullRef<byte>(), (nint)MFD_CLOEXEC),
        ["fchmod"] = static () => Libc.fchmod(s_none, 0),
        ["fchown"] = static () => Libc.fchown(s_none, 0, 0),
        ["ftruncate"] = static () => Libc.ftruncate(s_none, 0),
        ["fallocate"] = static () => Libc.fallocate(s_none, 0, 0, 1),
        ["fstatfs"] = static () => Libc.fstatfs_linux(s_none, out _),
        ["getdents64"] = static () => OnPath(static (ref path) => Libc.getdents64(SYS_getdents64, s_none, ref path, 1)),
        ["pread"] = static () => OnPath(static (ref path) => Libc.pread(s_none, ref path, 1, 0)),
        ["pwrite"] = static () => OnPath(static (ref path) => Libc.pwrite(s_none, ref path, 1, 0)),
        ["read"] = static () => OnPath(static (ref path) => Libc.read(s_none, ref path, 1)),
        ["write"] = static () => OnPath(static (ref path) => Libc.write(s_none, ref path, 1)),
        ["lseek"] = static () => (nint)Libc.lseek(s_none, 0, SEEK_SET),
        ["sendfile"] = static () => Offset(static (ref offset) => Libc.sendfile_linux(s_none, s_none, ref offset, 1)),
        ["copy_file_range"] = static () => Offset(CopyFileRange),
        ["sendmsg"] = SendMessage,
        ["recvmsg"] = ReceiveMessage,
        ["getsockopt"] = GetSocketOption,
        ["pipe2"] = MakePipe,
        ["poll"] = static () => OnPath(static (ref path) => Libc.poll(ref path, 0, 0)),
        ["mmap"] = static () => Libc.mmap(0, (nuint)MemoryPage.Size, PROT_READ, MAP_SHARED, s_none, 0),
        ["madvise"] = static () => Libc.madvise(0, (nuint)MemoryPage.Size, MADV_NORMAL),
        ["mprotect"] = static () => Libc.mprotect(0, (nuint)MemoryPage.Size, PROT_READ),
        ["msync"] = static () => Libc.msync(0, (nuint)MemoryPage.Size, MS_SYNC),
        // Without RLIMIT_MEMLOCK the kernel itself says EPERM: of mlock only the other two errors prove something.
        ["mlock"] = static () => Libc.mlock(0, (nuint)MemoryPage.Size) is var result && SystemCalls.ErrorOf(result) == Errno.EPERM ? 0 : result,
        ["munlock"] = static () => Libc.munlock(0, (nuint)MemoryPage.Size),
        ["inotify_init1"] = static () => Close(Libc.inotify_init1(IN_CLOEXEC)),
        ["fcntl(F_GETFD)"] = static () => Libc.fcntl(s_none, F_GETFD, 0),
        ["fcntl(F_SETFD)"] = static () => Libc.fcntl(s_none, F_SETFD, 0),
        ["fcntl(F_GETFL)"] = static () => Libc.fcntl(s_none, F_GETFL, 0),
        ["fcntl(F_OFD_GETLK)"] = static () => Lock(F_OFD_GETLK),
        ["fcntl(F_OFD_SETLK)"] = static () => Lock(F_OFD_SETLK),
        ["fcntl(F_GET_SEALS)"] = static () => Libc.fcntl(s_none, F_GET_SEALS, 0),
        ["fcntl(F_ADD_SEALS)"] = static () => Libc.fcntl(s_none, F_ADD_SEALS, 0),
    };

    private delegate nint PathCall(ref byte path);

    private delegate nint OffsetCall(ref long offset);

    /// <summary>Says which call of a failed operation is refused before the kernel sees it; <see langword="null"/> where none is known to be.</summary>
    internal static string? Explain(Errno error, string operation)
    {
        if (!OperatingSystem.IsLinux() || error is not (Errno.EPERM or Errno.EACCES or Errno.ENOSYS or Errno.EINVAL))
        {
            return null;
        }

        // For names EACCES is what this library says for the kernel's EPERM.
        var refusal = error == Errno.EACCES ? Errno.EPERM : error;
        var head = operation.Split('(')[0];
        var calls = s_callsOf.TryGetValue(operation, out var known) || s_callsOf.TryGetValue(head, out known) ? known : s_probes.ContainsKey(operation) ? [operation] : [head];
        var refused = string.Join(" and ", calls.Where(call => IsRefused(call, refusal)));
        return refused.Length == 0 ? null
            : error == Errno.ENOSYS ? $"this kernel lacks {refused}, or a filter in front of it (seccomp) refuses it: allow it in the profile of the container or service"
            : $"a filter in front of the kernel (seccomp) refuses {refused}: allow it in the profile of the container or service";
    }

    /// <summary>Returns whether something in front of the kernel answers a call with an error.</summary>
    internal static bool IsRefused(string call, Errno error) => s_probes.TryGetValue(call, out var probe) && SystemCalls.ErrorOf(probe()) == error;

    private static nint OnPath(PathCall call)
    {
        byte empty = 0;
        return call(ref empty);
    }

    private static nint Offset(OffsetCall call)
    {
        var offset = 0L;
        return call(ref offset);
    }

    private static nint Lock(int command)
    {
        var request = default(LinuxFlock);
        return Libc.fcntl_flock(s_none, command, ref request);
    }

    private static unsafe nint CopyFileRange(ref long offset) =>
        // SAFETY: without a place to copy from the kernel takes the file's position; there is no file.
        Libc.copy_file_range(SYS_copy_file_range, s_none, null, s_none, ref offset, 1, 0);

    private static unsafe nint SendMessage() =>
        // SAFETY: the kernel checks the socket before it looks at the message, and answers EFAULT for none.
        Libc.sendmsg(s_none, null, 0);

    private static unsafe nint ReceiveMessage() =>
        // SAFETY: as for SendMessage.
        Libc.recvmsg(s_none, null, 0);

    private static unsafe nint MakePipe() =>
        // SAFETY: the kernel cannot store the two numbers, and answers EFAULT.
        Libc.pipe2(null, O_CLOEXEC);

    private static unsafe nint GetSocketOption()
    {
        uint length = 0;
        // SAFETY: there is no socket, so that nothing is stored.
        return Libc.getsockopt(s_none, SOL_SOCKET, SO_PEERCRED, null, ref length);
    }

    private static nint Close(int descriptor)
    {
        if (descriptor >= 0)
        {
            _ = Libc.close(descriptor);
        }

        return descriptor;
    }
}
