using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace Posix.SharedMemory.Interop;

// sendfile(2): another call on each system. splice(2), Linux. poll(2), to wait where a destination is full.
internal static partial class Libc
{
    [LibraryImport(Library, EntryPoint = "sendfile", SetLastError = true)]
    internal static partial nint sendfile_linux(SafeHandle out_fd, SafeFileHandle in_fd, ref long offset, nuint count);

    [LibraryImport(Library, EntryPoint = "sendfile", SetLastError = true)]
    internal static unsafe partial int sendfile_freebsd(
        SafeFileHandle fd, SafeHandle s, long offset, nuint nbytes, void* hdtr, out long sbytes, int flags);

    [LibraryImport(Library, SetLastError = true)]
    internal static unsafe partial nint splice(SafeFileHandle fd_in, long* off_in, SafeFileHandle fd_out, ref long off_out, nuint len, uint flags);

    [LibraryImport(Library, SetLastError = true)]
    internal static partial int poll(ref byte fds, nuint nfds, int timeout);
}
