namespace Posix.SharedMemory.Interop;

/// <summary>The numbers that Linux, macOS and FreeBSD have in common.</summary>
internal static class Unix
{
    internal const int PROT_NONE = 0, PROT_READ = 1, PROT_WRITE = 2;
    internal const int MAP_SHARED = 1, MAP_PRIVATE = 2, MAP_FIXED = 0x10;
    internal const int MADV_NORMAL = 0, MADV_RANDOM = 1, MADV_SEQUENTIAL = 2, MADV_WILLNEED = 3, MADV_DONTNEED = 4;
    internal const int RLIMIT_FSIZE = 1;
    internal const short POLLIN = 1, POLLOUT = 4;
    internal const int O_RDONLY = 0, O_WRONLY = 1, O_RDWR = 2, O_ACCMODE = 3;
    internal const int F_GETFD = 1, F_SETFD = 2, F_GETFL = 3, F_SETFL = 4;
    internal const int SEEK_CUR = 1;
    internal const int FD_CLOEXEC = 1;
    internal const int SCM_RIGHTS = 1;
}
