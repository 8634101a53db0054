using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace Posix.SharedMemory.Interop;

// fcntl(2). Variadic in C: each import fixes one kind of third argument.
internal static partial class Libc
{
    [LibraryImport(Library, SetLastError = true)]
    internal static partial int fcntl(SafeHandle fd, int cmd, nint arg);

    [LibraryImport(Library, EntryPoint = "fcntl", SetLastError = true)]
    internal static partial int fcntl_flock(SafeFileHandle fd, int cmd, ref LinuxFlock arg);

    [LibraryImport(Library, EntryPoint = "fcntl", SetLastError = true)]
    internal static unsafe partial int fcntl_kinfo(SafeFileHandle fd, int cmd, byte* arg);
}
