using System.Runtime.InteropServices;

namespace Posix.SharedMemory.Interop;

// pipe(2); pipe2, with flags, on Linux and FreeBSD.
internal static partial class Libc
{
    [LibraryImport(Library, SetLastError = true)]
    internal static unsafe partial int pipe2(int* pipefd, int flags);

    [LibraryImport(Library, SetLastError = true)]
    internal static unsafe partial int pipe(int* pipefd);
}
