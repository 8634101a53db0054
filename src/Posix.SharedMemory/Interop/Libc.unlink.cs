using System.Runtime.InteropServices;

namespace Posix.SharedMemory.Interop;

// unlink(2), rename(2), linkat(2).
internal static partial class Libc
{
    [LibraryImport(Library, SetLastError = true)]
    internal static unsafe partial int unlink(byte* path);

    [LibraryImport(Library, SetLastError = true)]
    internal static unsafe partial int rename(byte* oldpath, byte* newpath);

    [LibraryImport(Library, SetLastError = true)]
    internal static unsafe partial int linkat(int olddirfd, byte* oldpath, int newdirfd, byte* newpath, int flags);
}
