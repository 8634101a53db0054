using System.Runtime.InteropServices;

namespace Posix.SharedMemory.Interop;

// unlink(2), rename(2), link(2).
internal static partial class Libc
{
    [LibraryImport(Library, SetLastError = true)]
    internal static partial int unlink(ref byte path);

    [LibraryImport(Library, SetLastError = true)]
    internal static partial int rename(ref byte oldpath, ref byte newpath);

    [LibraryImport(Library, SetLastError = true)]
    internal static partial int link(ref byte oldpath, ref byte newpath);

    [LibraryImport(Library, SetLastError = true)]
    internal static partial int linkat(int olddirfd, ref byte oldpath, int newdirfd, ref byte newpath, int flags);
}
