using System.Runtime.InteropServices;

namespace Posix.SharedMemory.Interop;

// sendmsg(2), recvmsg(2), getsockopt(2). A msghdr is laid out in each system's own way: the caller passes its struct.
internal static partial class Libc
{
    [LibraryImport(Library, SetLastError = true)]
    internal static unsafe partial nint sendmsg(SafeHandle sockfd, void* msg, int flags);

    [LibraryImport(Library, SetLastError = true)]
    internal static unsafe partial nint recvmsg(SafeHandle sockfd, void* msg, int flags);

    [LibraryImport(Library, SetLastError = true)]
    internal static unsafe partial int getsockopt(SafeHandle sockfd, int level, int optname, void* optval, ref uint optlen);
}
