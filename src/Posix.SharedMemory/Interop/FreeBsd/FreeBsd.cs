namespace Posix.SharedMemory.Interop;

/// <summary>The numbers of FreeBSD's headers; those it shares with macOS are in <see cref="Bsd"/>.</summary>
internal static class FreeBsd
{
    internal const int O_CLOEXEC = 0x100000;

    internal const int SHM_RENAME_NOREPLACE = 1, SHM_RENAME_EXCHANGE = 2;

    /// <summary>In place of a name: an object that never has one.</summary>
    internal const nint SHM_ANON = 1;

    internal const int F_ADD_SEALS = 19, F_GET_SEALS = 20;
    internal const int F_SEAL_SEAL = 1, F_SEAL_SHRINK = 2, F_SEAL_GROW = 4, F_SEAL_WRITE = 8;

    internal const uint MFD_CLOEXEC = 1, MFD_ALLOW_SEALING = 2, MFD_HUGETLB = 4;
    internal const int MFD_HUGE_SHIFT = 26;

    internal const int SPACECTL_DEALLOC = 1;

    internal const int F_KINFO = 22;
    internal const int KF_TYPE_SHM = 8;

    internal const int MSG_NOSIGNAL = 0x20000, MSG_CMSG_CLOEXEC = 0x40000;

    internal const int MS_SYNC = 0, MADV_NOCORE = 8, MADV_CORE = 9;
}
