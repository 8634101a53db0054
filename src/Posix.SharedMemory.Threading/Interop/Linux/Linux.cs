using System.Runtime.InteropServices;

namespace Posix.SharedMemory.Threading.Interop;

/// <summary>Linux's numbers, under C's names.</summary>
internal static class Linux
{
    internal const int FUTEX_WAIT = 0, FUTEX_WAKE = 1, FUTEX_WAKE_OP = 5, FUTEX_PRIVATE_FLAG = 128;
    internal const int FUTEX_OP_SET = 0, FUTEX_OP_ADD = 1, FUTEX_OP_OR = 2, FUTEX_OP_OPARG_SHIFT = 8, FUTEX_OP_CMP_EQ = 0;
    internal const uint FUTEX_32 = 2;
    internal const int FUTEX_WAITV_MAX = 128;
    internal const uint FUTEX_WAITERS = 0x80000000, FUTEX_OWNER_DIED = 0x40000000, FUTEX_TID_MASK = 0x3fffffff;

    internal const int CLOCK_MONOTONIC = 1;

    internal const int PTHREAD_PROCESS_SHARED = 1, PTHREAD_MUTEX_ROBUST = 1, PTHREAD_MUTEX_ERRORCHECK = 2;

    internal const int MEMBARRIER_CMD_GLOBAL_EXPEDITED = 2, MEMBARRIER_CMD_REGISTER_GLOBAL_EXPEDITED = 4;

    internal const int PROT_READ = 1, PROT_WRITE = 2;
    internal const int MAP_SHARED = 1, MAP_ANONYMOUS = 0x20;
    internal const int MREMAP_MAYMOVE = 1, MREMAP_FIXED = 2;

    internal const int EPERM = 1, ESRCH = 3, EINTR = 4, EAGAIN = 11, ENOMEM = 12, EACCES = 13, EFAULT = 14, EBUSY = 16, EINVAL = 22, EDEADLK = 35,
        ENOSYS = 38, ETIMEDOUT = 110, EOWNERDEAD = 130, ENOTRECOVERABLE = 131;

    // Added after the numbers became the same everywhere.
    internal const nint SYS_futex_waitv = 449;

    private static readonly bool s_x64 = RuntimeInformation.ProcessArchitecture == Architecture.X64;

    internal static nint SYS_futex => s_x64 ? 202 : 98;

    internal static nint SYS_set_robust_list => s_x64 ? 273 : 99;

    internal static nint SYS_get_robust_list => s_x64 ? 274 : 100;

    internal static nint SYS_membarrier => s_x64 ? 324 : 283;

    internal static nint SYS_mremap => s_x64 ? 25 : 216;

    internal static nint SYS_gettid => s_x64 ? 186 : 178;
}
