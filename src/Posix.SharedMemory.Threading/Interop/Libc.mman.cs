using System.Runtime.InteropServices;

namespace Posix.SharedMemory.Threading.Interop;

// mmap(2), munmap(2).
internal static partial class Libc
{
    [LibraryImport(Library, SetLastError = true)]
    internal static unsafe partial void* mmap(void* addr, nuint length, int prot, int flags, int fd, nint offset);

    [LibraryImport(Library, SetLastError = true)]
    internal static unsafe partial int munmap(void* addr, nuint length);
}
