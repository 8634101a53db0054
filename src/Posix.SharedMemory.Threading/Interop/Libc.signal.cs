using System.Runtime.InteropServices;

namespace Posix.SharedMemory.Threading.Interop;

// kill(2): with signal 0, only to see whether there is a process or a thread of a number.
internal static partial class Libc
{
    [LibraryImport(Library, SetLastError = true)]
    internal static partial int kill(int pid, int sig);
}
