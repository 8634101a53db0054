using System.Runtime.InteropServices;

namespace Posix.SharedMemory.Interop;

// sysctl(3) on FreeBSD, where shared memory objects are listed by it.
internal static partial class Libc
{
    [LibraryImport(Library, SetLastError = true)]
    internal static unsafe partial int sysctlbyname(byte* name, void* oldp, ref nuint oldlenp, void* newp, nuint newlen);
}
