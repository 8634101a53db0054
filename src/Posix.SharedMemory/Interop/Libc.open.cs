using System.Runtime.InteropServices;

namespace Posix.SharedMemory.Interop;

// open(2). Variadic in C; on Linux and FreeBSD the calling convention passes the third argument as it would a fixed one.
internal static partial class Libc
{
    [LibraryImport(Library, SetLastError = true)]
    internal static partial int open(ref byte path, int oflag, uint mode);

    // Apple arm64 passes variadic arguments on the stack: filling x2 to x7 puts mode where open reads it.
    [LibraryImport(Library, EntryPoint = "open", SetLastError = true)]
    internal static partial int open_apple_arm64(
        ref byte path, int oflag, nint x2, nint x3, nint x4, nint x5, nint x6, nint x7, nint mode);
}
