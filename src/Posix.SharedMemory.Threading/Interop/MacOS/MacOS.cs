namespace Posix.SharedMemory.Threading.Interop;

/// <summary>macOS's numbers, under C's names: from the header os/os_sync_wait_on_address.h of macOS 14.4, read and not compiled here.</summary>
internal static class MacOS
{
    internal const uint OS_SYNC_WAIT_ON_ADDRESS_NONE = 0, OS_SYNC_WAIT_ON_ADDRESS_SHARED = 1;
    internal const uint OS_SYNC_WAKE_BY_ADDRESS_NONE = 0, OS_SYNC_WAKE_BY_ADDRESS_SHARED = 1;
    internal const uint OS_CLOCK_MACH_ABSOLUTE_TIME = 32;
}
