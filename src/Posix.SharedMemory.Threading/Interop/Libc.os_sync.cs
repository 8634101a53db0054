using System.Runtime.InteropServices;

namespace Posix.SharedMemory.Threading.Interop;

// os_sync_wait_on_address(3), macOS 14.4: 0 or more, or -1 and errno.
internal static partial class Libc
{
    [LibraryImport(Library, SetLastError = true)]
    internal static unsafe partial int os_sync_wait_on_address_with_timeout(void* addr, ulong value, nuint size, uint flags, uint clockid, ulong timeout_ns);

    [LibraryImport(Library, SetLastError = true)]
    internal static unsafe partial int os_sync_wake_by_address_any(void* addr, nuint size, uint flags);

    [LibraryImport(Library, SetLastError = true)]
    internal static unsafe partial int os_sync_wake_by_address_all(void* addr, nuint size, uint flags);
}
