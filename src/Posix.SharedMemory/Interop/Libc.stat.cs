using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace Posix.SharedMemory.Interop;

// stat(2), chmod(2), chown(2). Linux asks with statx (Libc.syscall.cs), which has one layout on every architecture, and with newfstatat where that is refused.
internal static partial class Libc
{
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
}
