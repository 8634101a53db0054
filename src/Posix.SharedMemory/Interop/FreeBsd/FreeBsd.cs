namespace Posix.SharedMemory.Interop;

/// <summary>The numbers of FreeBSD's headers; those it shares with macOS are in <see cref="Bsd"/>.</summary>
internal static class FreeBsd
{
    internal const int O_CLOEXEC = 0x100000;

    internal const int SHM_RENAME_NOREPLACE = 1, SHM_RENAME_EXCHANGE = 2;

    internal const int SPACECTL_DEALLOC = 1;

    internal const int F_KINFO = 22;
    internal const int KF_TYPE_SHM = 8;

    internal const int MSG_NOSIGNAL = 0x20000, MSG_CMSG_CLOEXEC = 0x40000;

    internal const int MS_SYNC = 0, MADV_NOCORE = 8, MADV_CORE = 9;
}
