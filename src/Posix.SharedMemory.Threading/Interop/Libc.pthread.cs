using System.Runtime.InteropServices;

namespace Posix.SharedMemory.Threading.Interop;

// pthread_mutexattr_init(3), pthread_mutex_lock(3), pthread_mutex_consistent(3). They return the error number, and set no errno.
internal static partial class Libc
{
    [LibraryImport(Library)]
    internal static unsafe partial int pthread_mutexattr_init(void* attr);

    [LibraryImport(Library)]
    internal static unsafe partial int pthread_mutexattr_setpshared(void* attr, int pshared);

    [LibraryImport(Library)]
    internal static unsafe partial int pthread_mutexattr_setrobust(void* attr, int robustness);

    [LibraryImport(Library)]
    internal static unsafe partial int pthread_mutexattr_settype(void* attr, int type);

    [LibraryImport(Library)]
    internal static unsafe partial int pthread_mutexattr_destroy(void* attr);

    [LibraryImport(Library)]
    internal static unsafe partial int pthread_mutex_init(void* mutex, void* attr);

    [LibraryImport(Library)]
    internal static unsafe partial int pthread_mutex_trylock(void* mutex);

    [LibraryImport(Library)]
    internal static unsafe partial int pthread_mutex_lock(void* mutex);

    [LibraryImport(Library)]
    internal static unsafe partial int pthread_mutex_timedlock(void* mutex, LinuxTimespec* abstime);

    [LibraryImport(Library)]
    internal static unsafe partial int pthread_mutex_clocklock(void* mutex, int clockid, LinuxTimespec* abstime);

    [LibraryImport(Library)]
    internal static unsafe partial int pthread_mutex_consistent(void* mutex);

    [LibraryImport(Library)]
    internal static unsafe partial int pthread_mutex_unlock(void* mutex);
}
