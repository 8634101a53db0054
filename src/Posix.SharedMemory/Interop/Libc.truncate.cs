using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace Posix.SharedMemory.Interop;

// truncate(2), fallocate(2), posix_fallocate(3), fspacectl(2), getrlimit(2).
internal static partial class Libc
{
    [LibraryImport(Library, SetLastError = true)]
    internal static partial int ftruncate(SafeFileHandle fd, long length);

    [LibraryImport(Library, SetLastError = true)]
    internal static partial int fallocate(SafeFileHandle fd, int mode, long offset, long len);

    // Returns the error instead of setting errno.
    [LibraryImport(Library)]
    internal static partial int posix_fallocate(SafeFileHandle fd, long offset, long len);

    [LibraryImport(Library, SetLastError = true)]
    internal static unsafe partial int fspacectl(
        SafeFileHandle fd, int cmd, FreeBsdSpacectlRange* rqsr, int flags, FreeBsdSpacectlRange* rmsr);

    [LibraryImport(Library, SetLastError = true)]
    internal static partial int getrlimit(int resource, out ResourceLimit rlim);
}
