using System.Runtime.InteropServices;

namespace Posix.SharedMemory.Interop;

/// <summary>The numbers of Linux's headers. The ABI tests have the C compiler judge each of them.</summary>
internal static class Linux
{
    internal const int AT_FDCWD = -100, AT_SYMLINK_NOFOLLOW = 0x100, AT_SYMLINK_FOLLOW = 0x400, AT_EMPTY_PATH = 0x1000, AT_STATX_DONT_SYNC = 0x4000;

    internal const int O_CREAT = 0x40, O_EXCL = 0x80, O_TRUNC = 0x200;
    internal const int O_APPEND = 0x400, O_NONBLOCK = 0x800, O_CLOEXEC = 0x80000, O_PATH = 0x200000;

    internal const uint S_IFMT = 0xF000, S_IFREG = 0x8000;

    internal const int STATX_TYPE = 1, STATX_MODE = 2, STATX_SIZE = 0x200, STATX_BLOCKS = 0x400, STATX_BASIC_STATS = 0x7ff, STATX_BTIME = 0x800;

    internal const int F_OFD_GETLK = 36, F_OFD_SETLK = 37, F_OFD_SETLKW = 38;
    internal const int F_SETSIG = 10, F_SETLEASE = 1024;
    internal const int F_GET_RW_HINT = 1035, F_SET_RW_HINT = 1036, RWH_WRITE_LIFE_NOT_SET = 0, RWH_WRITE_LIFE_SHORT = 2;
    internal const int SIGURG = 23, SIG_BLOCK = 0, SIG_SETMASK = 2;
    internal const short F_RDLCK = 0, F_WRLCK = 1, F_UNLCK = 2;

    internal const int F_ADD_SEALS = 1033, F_GET_SEALS = 1034;
    internal const int F_SEAL_SEAL = 1, F_SEAL_SHRINK = 2, F_SEAL_GROW = 4, F_SEAL_WRITE = 8, F_SEAL_FUTURE_WRITE = 0x10, F_SEAL_EXEC = 0x20;

    internal const uint MFD_CLOEXEC = 1, MFD_ALLOW_SEALING = 2, MFD_HUGETLB = 4, MFD_NOEXEC_SEAL = 8, MFD_EXEC = 0x10;
    internal const int MFD_HUGE_SHIFT = 26;

    internal const int FALLOC_FL_KEEP_SIZE = 1, FALLOC_FL_PUNCH_HOLE = 2;
    internal const int SEEK_SET = 0, SEEK_DATA = 3, SEEK_HOLE = 4;

    internal const uint Q_GETQUOTA = 0x800007, USRQUOTA = 0;

    internal const int RENAME_NOREPLACE = 1, RENAME_EXCHANGE = 2;

    internal const int MAP_ANONYMOUS = 0x20, MAP_NORESERVE = 0x4000;
    internal const int MS_SYNC = 4;

    internal const int MADV_DONTFORK = 10, MADV_DOFORK = 11, MADV_HUGEPAGE = 14, MADV_NOHUGEPAGE = 15;
    internal const int MADV_DONTDUMP = 16, MADV_DODUMP = 17, MADV_COLD = 20, MADV_PAGEOUT = 21;
    internal const int MADV_POPULATE_READ = 22, MADV_POPULATE_WRITE = 23, MADV_COLLAPSE = 25;

    internal const int SOL_SOCKET = 1, SO_PEERCRED = 17, SCM_PIDFD = 4;
    internal const int MSG_CTRUNC = 8, MSG_TRUNC = 0x20, MSG_DONTWAIT = 0x40, MSG_NOSIGNAL = 0x4000, MSG_CMSG_CLOEXEC = 0x40000000;

    internal const long PAGEMAP_SCAN = 0xc0606610, PAGE_IS_HUGE = 0x40;

    internal const int IN_MODIFY = 2, IN_ATTRIB = 4, IN_DONT_FOLLOW = 0x2000000;
    internal const int IN_MOVED_FROM = 0x40, IN_MOVED_TO = 0x80, IN_CREATE = 0x100, IN_DELETE = 0x200, IN_DELETE_SELF = 0x400, IN_MOVE_SELF = 0x800;
    internal const int IN_UNMOUNT = 0x2000, IN_Q_OVERFLOW = 0x4000, IN_IGNORED = 0x8000, IN_ONLYDIR = 0x1000000, IN_ISDIR = 0x40000000;
    internal const int IN_NONBLOCK = 0x800, IN_CLOEXEC = 0x80000;

    internal const long TMPFS_MAGIC = 0x01021994, HUGETLBFS_MAGIC = 0x958458f6, RAMFS_MAGIC = 0x858458f6, FUSE_SUPER_MAGIC = 0x65735546;
    internal const long EXT4_SUPER_MAGIC = 0xEF53, XFS_SUPER_MAGIC = 0x58465342, BTRFS_SUPER_MAGIC = 0x9123683E;

    // These two differ between architectures: x86 has numbers of its own, the others take the generic ones but arm's open flags.
    internal static int O_DIRECTORY => Arm ? 0x4000 : 0x10000;

    internal static int O_NOFOLLOW => Arm ? 0x8000 : 0x20000;

    internal static int O_TMPFILE => 0x400000 | O_DIRECTORY;

    internal static nint SYS_statx => X64 ? 332 : 291;

    internal static nint SYS_newfstatat => X64 ? 262 : 79;

    internal static nint SYS_sendmsg => X64 ? 46 : 211;

    internal static nint SYS_renameat2 => X64 ? 316 : 276;

    internal static nint SYS_memfd_create => X64 ? 319 : 279;

    internal static nint SYS_getdents64 => X64 ? 217 : 61;

    internal static nint SYS_copy_file_range => X64 ? 326 : 285;

    internal static nint SYS_rt_sigprocmask => X64 ? 14 : 135;

    internal static nint SYS_kcmp => X64 ? 312 : 272;

    // Since 5.1 new calls have one number everywhere.
    internal static nint SYS_quotactl_fd => 443;

    internal static nint SYS_cachestat => 451;

    private static bool X64 => RuntimeInformation.ProcessArchitecture == Architecture.X64;

    private static bool Arm => RuntimeInformation.ProcessArchitecture is Architecture.Arm64 or Architecture.Arm;

    /// <summary>Whether the numbers above are this architecture's.</summary>
    internal static bool IsKnownArchitecture => RuntimeInformation.ProcessArchitecture
        is Architecture.X64 or Architecture.Arm64 or Architecture.RiscV64 or Architecture.LoongArch64;
}
