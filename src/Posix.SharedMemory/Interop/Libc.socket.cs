using System.Runtime.InteropServices;

namespace Posix.SharedMemory.Interop;

// sendmsg(2), recvmsg(2), getsockopt(2). A msghdr is laid out in each system's own way: the caller passes its struct.
internal static partial class Libc
{
    [LibraryImport(Library, SetLastError = true)]
    internal static unsafe partial nint sendmsg(SafeHandle sockfd, void* msg, int flags);

    // The system call itself: musl before 1.2.4 copies control messages into a buffer that holds one descriptor fewer than the kernel takes.
    [LibraryImport(Library, EntryPoint = "syscall", SetLastError = true)]
    internal static unsafe partial nint sendmsg_linux(nint number, SafeHandle sockfd, void* msg, nint flags);

    [LibraryImport(Library, SetLastError = true)]
    internal static unsafe partial nint recvmsg(SafeHandle sockfd, void* msg, int flags);

    [LibraryImport(Library, SetLastError = true)]
    internal static unsafe partial int getsockopt(SafeHandle sockfd, int level, int optname, void* optval, ref uint optlen);
}
