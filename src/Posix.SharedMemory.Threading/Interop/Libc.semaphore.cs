using System.Runtime.InteropServices;

namespace Posix.SharedMemory.Threading.Interop;

// sem_init(3), sem_post(3): only to see how this C library lays out what it makes.
internal static partial class Libc
{
    [LibraryImport(Library, SetLastError = true)]
    internal static unsafe partial int sem_init(void* sem, int pshared, uint value);

    [LibraryImport(Library, SetLastError = true)]
    internal static unsafe partial int sem_post(void* sem);
}
