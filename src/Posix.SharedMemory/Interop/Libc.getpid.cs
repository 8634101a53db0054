using System.Runtime.InteropServices;

namespace Posix.SharedMemory.Interop;

// getpid(2): unlike Environment.ProcessId it is not cached, so it is right in a forked child too.
internal static partial class Libc
{
    [LibraryImport(Library)]
    internal static partial int getpid();
}
