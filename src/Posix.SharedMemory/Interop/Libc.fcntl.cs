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
    internal static partial int fcntl_hint(SafeFileHandle fd, int cmd, ref ulong arg);

    [LibraryImport(Library, EntryPoint = "fcntl", SetLastError = true)]
    internal static unsafe partial int fcntl_kinfo(SafeFileHandle fd, int cmd, byte* arg);

    [LibraryImport(Library, EntryPoint = "fcntl", SetLastError = true)]
    internal static partial int fcntl_number(int fd, int cmd, nint arg);

    // Apple arm64 passes variadic arguments on the stack: filling x2 to x7 puts arg where fcntl reads it.
    [LibraryImport(Library, EntryPoint = "fcntl", SetLastError = true)]
    internal static partial int fcntl_apple_arm64(int fd, int cmd, nint x2, nint x3, nint x4, nint x5, nint x6, nint x7, nint arg);
}
