using System.Runtime.InteropServices;

namespace Posix.SharedMemory.Interop;

// shm_open(2) on FreeBSD and macOS, shm_rename(2) and memfd_create(3) on FreeBSD.
internal static partial class Libc
{
    [LibraryImport(Library, SetLastError = true)]
    internal static partial int shm_open(ref byte name, int oflag, uint mode);

    // Without a name: FreeBSD's SHM_ANON is a number in the place of an address.
    [LibraryImport(Library, EntryPoint = "shm_open", SetLastError = true)]
    internal static partial int shm_open_anonymous(nint name, int oflag, uint mode);

    // Apple arm64 passes variadic arguments on the stack: filling x2 to x7 puts mode where shm_open reads it.
    [LibraryImport(Library, EntryPoint = "shm_open", SetLastError = true)]
    internal static partial int shm_open_apple_arm64(
        ref byte name, int oflag, nint x2, nint x3, nint x4, nint x5, nint x6, nint x7, nint mode);

    [LibraryImport(Library, SetLastError = true)]
    internal static partial int shm_unlink(ref byte name);

    [LibraryImport(Library, SetLastError = true)]
    internal static partial int shm_rename(ref byte path_from, ref byte path_to, int flags);

    [LibraryImport(Library, EntryPoint = "memfd_create", SetLastError = true)]
    internal static partial int memfd_create_freebsd(ref byte name, uint flags);
}
