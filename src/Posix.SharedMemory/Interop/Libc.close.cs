using System.Runtime.InteropServices;

namespace Posix.SharedMemory.Interop;

// close(2), for a descriptor that no SafeHandle has yet.
internal static partial class Libc
{
    [LibraryImport(Library)]
    internal static partial int close(int fd);
}
