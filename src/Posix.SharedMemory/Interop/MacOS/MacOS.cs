namespace Posix.SharedMemory.Interop;

/// <summary>The numbers of macOS's headers and kernel; those it shares with FreeBSD are in <see cref="Bsd"/>.</summary>
internal static class MacOS
{
    /// <summary>The bytes of a name, with its slash and without the NUL; the kernel's posix_shm.h.</summary>
    internal const int PSHMNAMLEN = 31;

    internal const int O_CLOEXEC = 0x1000000, MS_SYNC = 0x10;

    internal const int LOCAL_PEERPID = 2;
}
