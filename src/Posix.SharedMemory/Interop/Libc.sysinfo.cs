using System.Runtime.InteropServices;

namespace Posix.SharedMemory.Interop;

// sysinfo(2).
internal static partial class Libc
{
    [LibraryImport(Library, EntryPoint = "sysinfo", SetLastError = true)]
    internal static partial int sysinfo_linux(out LinuxSysinfo info);
}
