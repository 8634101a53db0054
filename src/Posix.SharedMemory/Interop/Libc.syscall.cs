using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace Posix.SharedMemory.Interop;

// syscall(2), Linux: for calls that glibc or musl wrap late or not at all; statx is in Libc.stat.cs. Every argument is a register wide.
internal static partial class Libc
{
    [LibraryImport(Library, EntryPoint = "syscall", SetLastError = true)]
    internal static partial nint renameat2(
        nint number, nint olddirfd, ref byte oldpath, nint newdirfd, ref byte newpath, nint flags);

    [LibraryImport(Library, EntryPoint = "syscall", SetLastError = true)]
    internal static partial nint memfd_create(nint number, ref byte name, nint flags);

    [LibraryImport(Library, EntryPoint = "syscall", SetLastError = true)]
    internal static partial nint getdents64(nint number, SafeFileHandle fd, ref byte dirp, nint count);

    [LibraryImport(Library, EntryPoint = "syscall", SetLastError = true)]
    internal static unsafe partial nint copy_file_range(
        nint number, SafeFileHandle fd_in, long* off_in, SafeFileHandle fd_out, ref long off_out, nuint len, nint flags);

    [LibraryImport(Library, EntryPoint = "syscall", SetLastError = true)]
    internal static partial nint kcmp(nint number, nint pid1, nint pid2, nint type, nint idx1, nint idx2);

    [LibraryImport(Library, EntryPoint = "syscall", SetLastError = true)]
    internal static partial nint quotactl_fd(nint number, SafeFileHandle fd, nint cmd, nint id, out LinuxQuota dqblk);

    // Without SetLastError: it stands around another call, whose error counts.
    [LibraryImport(Library, EntryPoint = "syscall")]
    internal static partial nint rt_sigprocmask(nint number, nint how, in ulong set, out ulong oldset, nint sigsetsize);

    [LibraryImport(Library, EntryPoint = "syscall", SetLastError = true)]
    internal static partial nint cachestat(
        nint number, SafeFileHandle fd, in LinuxCachestatRange cstat_range, out LinuxCachestat cstat, nint flags);
}
