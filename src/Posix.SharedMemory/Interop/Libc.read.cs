using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace Posix.SharedMemory.Interop;

// read(2), write(2), pread(2), lseek(2).
internal static partial class Libc
{
    [LibraryImport(Library, SetLastError = true)]
    internal static unsafe partial nint read(SafeFileHandle fd, byte* buf, nuint count);

    [LibraryImport(Library, SetLastError = true)]
    internal static unsafe partial nint write(SafeHandle fd, byte* buf, nuint count);

    [LibraryImport(Library, SetLastError = true)]
    internal static unsafe partial nint pread(SafeFileHandle fd, byte* buf, nuint count, long offset);

    [LibraryImport(Library, SetLastError = true)]
    internal static unsafe partial nint pwrite(SafeFileHandle fd, byte* buf, nuint count, long offset);

    [LibraryImport(Library, SetLastError = true)]
    internal static partial long lseek(SafeFileHandle fd, long offset, int whence);
}
