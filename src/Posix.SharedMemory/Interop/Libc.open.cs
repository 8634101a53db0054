using System.Runtime.InteropServices;

namespace Posix.SharedMemory.Interop;

// open(2). Variadic in C; on Linux and FreeBSD the calling convention passes the third argument as it would a fixed one. Not for macOS.
internal static partial class Libc
{
    [LibraryImport(Library, SetLastError = true)]
    internal static unsafe partial int open(byte* path, int oflag, uint mode);
}
