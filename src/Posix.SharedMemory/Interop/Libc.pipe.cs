using System.Runtime.InteropServices;

namespace Posix.SharedMemory.Interop;

// pipe2(2), Linux and FreeBSD.
internal static partial class Libc
{
    [LibraryImport(Library, SetLastError = true)]
    internal static unsafe partial int pipe2(int* pipefd, int flags);
}
