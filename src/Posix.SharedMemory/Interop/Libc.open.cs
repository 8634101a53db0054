using System.Runtime.InteropServices;

namespace Posix.SharedMemory.Interop;

// What takes paths: open(2), unlink(2), rename(2), link(2), symlink(2), readlink(2). open is variadic in C; on Linux and FreeBSD the calling convention passes the third argument
// as it would a fixed one.
internal static partial class Libc
{
    [LibraryImport(Library, SetLastError = true)]
    internal static partial int open(ref byte path, int oflag, uint mode);

    // Apple arm64 passes variadic arguments on the stack: filling x2 to x7 puts mode where open reads it.
    [LibraryImport(Library, EntryPoint = "open", SetLastError = true)]
    internal static partial int open_apple_arm64(
        ref byte path, int oflag, nint x2, nint x3, nint x4, nint x5, nint x6, nint x7, nint mode);

    [LibraryImport(Library, SetLastError = true)]
    internal static partial int unlink(ref byte path);

    [LibraryImport(Library, SetLastError = true)]
    internal static partial int rename(ref byte oldpath, ref byte newpath);

    [LibraryImport(Library, SetLastError = true)]
    internal static partial int link(ref byte oldpath, ref byte newpath);

    [LibraryImport(Library, SetLastError = true)]
    internal static partial int linkat(int olddirfd, ref byte oldpath, int newdirfd, ref byte newpath, int flags);

    [LibraryImport(Library, SetLastError = true)]
    internal static partial int symlink(ref byte target, ref byte linkpath);

    [LibraryImport(Library, SetLastError = true)]
    internal static partial nint readlink(ref byte path, ref byte buf, nuint bufsiz);
}
