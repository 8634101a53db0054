using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace Posix.SharedMemory.Interop;

// read(2), write(2), pread(2), lseek(2).
internal static partial class Libc
{
    [LibraryImport(Library, SetLastError = true)]
    internal static partial nint read(SafeFileHandle fd, ref byte buf, nuint count);

    // By a descriptor that has no SafeHandle.
    [LibraryImport(Library, SetLastError = true)]
    internal static partial nint read(int fd, ref byte buf, nuint count);

    [LibraryImport(Library, SetLastError = true)]
    internal static partial nint write(SafeHandle fd, ref byte buf, nuint count);

    // To and from memory at any address, which the kernel checks.
    [LibraryImport(Library, SetLastError = true)]
    internal static partial nint read(SafeFileHandle fd, nint buf, nuint count);

    [LibraryImport(Library, SetLastError = true)]
    internal static partial nint write(SafeHandle fd, nint buf, nuint count);

    [LibraryImport(Library, SetLastError = true)]
    internal static partial nint pread(SafeFileHandle fd, ref byte buf, nuint count, long offset);

    [LibraryImport(Library, SetLastError = true)]
    internal static partial nint pwrite(SafeFileHandle fd, ref byte buf, nuint count, long offset);

    [LibraryImport(Library, SetLastError = true)]
    internal static partial long lseek(SafeFileHandle fd, long offset, int whence);
}
