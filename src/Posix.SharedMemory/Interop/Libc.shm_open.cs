using System.Runtime.InteropServices;

namespace Posix.SharedMemory.Interop;

// shm_open(2) on FreeBSD and macOS, shm_rename(2) and memfd_create(3) on FreeBSD.
internal static partial class Libc
{
    [LibraryImport(Library, SetLastError = true)]
    internal static unsafe partial int shm_open(byte* name, int oflag, uint mode);

    // Apple arm64 passes variadic arguments on the stack: filling x2 to x7 puts mode where shm_open reads it.
    [LibraryImport(Library, EntryPoint = "shm_open", SetLastError = true)]
    internal static unsafe partial int shm_open_apple_arm64(
        byte* name, int oflag, nint x2, nint x3, nint x4, nint x5, nint x6, nint x7, nint mode);

    [LibraryImport(Library, SetLastError = true)]
    internal static unsafe partial int shm_unlink(byte* name);

    [LibraryImport(Library, SetLastError = true)]
    internal static unsafe partial int shm_rename(byte* path_from, byte* path_to, int flags);

    [LibraryImport(Library, EntryPoint = "memfd_create", SetLastError = true)]
    internal static unsafe partial int memfd_create_freebsd(byte* name, uint flags);
}
