using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace Posix.SharedMemory.Interop;

// stat(2), statfs(2), chmod(2), chown(2). Linux is asked by statx, which has one layout on every architecture, and by newfstatat where that is refused, through
// syscall(2): every argument is a register wide.
internal static partial class Libc
{
    [LibraryImport(Library, EntryPoint = "syscall", SetLastError = true)]
    internal static partial nint statx(nint number, nint dirfd, ref byte path, nint flags, nint mask, out LinuxStatx buf);

    [LibraryImport(Library, EntryPoint = "syscall", SetLastError = true)]
    internal static partial nint statx(nint number, SafeFileHandle dirfd, ref byte path, nint flags, nint mask, out LinuxStatx buf);

    [LibraryImport(Library, EntryPoint = "syscall", SetLastError = true)]
    internal static partial nint newfstatat(nint number, nint dirfd, ref byte path, out LinuxStatX64 statbuf, nint flags);

    [LibraryImport(Library, EntryPoint = "syscall", SetLastError = true)]
    internal static partial nint newfstatat(nint number, nint dirfd, ref byte path, out LinuxStatGeneric statbuf, nint flags);

    [LibraryImport(Library, EntryPoint = "fstat", SetLastError = true)]
    internal static partial int fstat_freebsd(SafeFileHandle fd, out FreeBsdStat sb);

    [LibraryImport(Library, EntryPoint = "fstat", SetLastError = true)]
    internal static partial int fstat_apple_arm64(SafeFileHandle fd, out MacOSStat sb);

    // On x86-64 the plain symbol is the old struct with 32-bit inode numbers.
    [LibraryImport(Library, EntryPoint = "fstat$INODE64", SetLastError = true)]
    internal static partial int fstat_apple_x64(SafeFileHandle fd, out MacOSStat sb);

    [LibraryImport(Library, SetLastError = true)]
    internal static partial int fchmod(SafeFileHandle fd, uint mode);

    [LibraryImport(Library, SetLastError = true)]
    internal static partial int fchown(SafeFileHandle fd, uint owner, uint group);

    [LibraryImport(Library, SetLastError = true)]
    internal static partial int chmod(ref byte path, uint mode);

    [LibraryImport(Library, EntryPoint = "statfs", SetLastError = true)]
    internal static partial int statfs_linux(ref byte path, out LinuxStatfs buf);

    [LibraryImport(Library, EntryPoint = "fstatfs", SetLastError = true)]
    internal static partial int fstatfs_linux(SafeFileHandle fd, out LinuxStatfs buf);
}
