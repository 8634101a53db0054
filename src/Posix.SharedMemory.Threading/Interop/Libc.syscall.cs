using System.Runtime.InteropServices;

namespace Posix.SharedMemory.Threading.Interop;

// syscall(2), Linux: for calls that no C library wraps. Every argument is a register wide.
internal static partial class Libc
{
    [LibraryImport(Library, EntryPoint = "syscall", SetLastError = true)]
    internal static unsafe partial nint futex(nint number, uint* uaddr, nint futex_op, nint val, LinuxTimespec* timeout, uint* uaddr2, nint val3);

    [LibraryImport(Library, EntryPoint = "syscall", SetLastError = true)]
    internal static unsafe partial nint futex_wake_op(nint number, uint* uaddr, nint futex_op, nint val, nint val2, uint* uaddr2, nint val3);

    [LibraryImport(Library, EntryPoint = "syscall", SetLastError = true)]
    internal static unsafe partial nint futex_waitv(nint number, LinuxFutexWaitv* waiters, nint nr_futexes, nint flags, LinuxTimespec* timeout, nint clockid);

    [LibraryImport(Library, EntryPoint = "syscall", SetLastError = true)]
    internal static unsafe partial nint set_robust_list(nint number, LinuxRobustListHead* head, nint len);

    [LibraryImport(Library, EntryPoint = "syscall", SetLastError = true)]
    internal static unsafe partial nint get_robust_list(nint number, nint pid, LinuxRobustListHead** head, nint* len);

    [LibraryImport(Library, EntryPoint = "syscall", SetLastError = true)]
    internal static partial nint membarrier(nint number, nint cmd, nint flags, nint cpu_id);

    [LibraryImport(Library, EntryPoint = "syscall", SetLastError = true)]
    internal static unsafe partial nint mremap(nint number, void* old_address, nint old_size, nint new_size, nint flags, void* new_address);

    [LibraryImport(Library, EntryPoint = "syscall", SetLastError = true)]
    internal static partial nint gettid(nint number);
}
