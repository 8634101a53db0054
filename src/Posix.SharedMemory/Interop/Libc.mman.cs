using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace Posix.SharedMemory.Interop;

// mmap(2), munmap(2), mprotect(2), madvise(2), msync(2), mlock(2).
internal static partial class Libc
{
    [LibraryImport(Library, SetLastError = true)]
    internal static partial nint mmap(nint addr, nuint length, int prot, int flags, SafeFileHandle fd, long offset);

    // Without a file: the descriptor is -1.
    [LibraryImport(Library, EntryPoint = "mmap", SetLastError = true)]
    internal static partial nint mmap_anonymous(nint addr, nuint length, int prot, int flags, int fd, long offset);

    [LibraryImport(Library, SetLastError = true)]
    internal static partial int munmap(nint addr, nuint length);

    [LibraryImport(Library, SetLastError = true)]
    internal static partial int madvise(nint addr, nuint length, int advice);

    [LibraryImport(Library, SetLastError = true)]
    internal static partial int mprotect(nint addr, nuint len, int prot);

    [LibraryImport(Library, SetLastError = true)]
    internal static partial int msync(nint addr, nuint length, int flags);

    [LibraryImport(Library, SetLastError = true)]
    internal static partial int mlock(nint addr, nuint len);

    [LibraryImport(Library, SetLastError = true)]
    internal static partial int munlock(nint addr, nuint len);
}
