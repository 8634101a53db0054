using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace Posix.SharedMemory.Interop;

// statfs(2).
internal static partial class Libc
{
    [LibraryImport(Library, EntryPoint = "statfs", SetLastError = true)]
    internal static partial int statfs_linux(ref byte path, out LinuxStatfs buf);

    [LibraryImport(Library, EntryPoint = "fstatfs", SetLastError = true)]
    internal static partial int fstatfs_linux(SafeFileHandle fd, out LinuxStatfs buf);
}
