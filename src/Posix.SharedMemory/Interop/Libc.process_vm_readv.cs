using System.Runtime.InteropServices;

namespace Posix.SharedMemory.Interop;

// process_vm_readv(2), Linux: copies that return EFAULT where a load or store would end the process.
internal static partial class Libc
{
    [LibraryImport(Library, SetLastError = true)]
    internal static partial nint process_vm_readv(
        int pid, in IoVector local_iov, nuint liovcnt, in IoVector remote_iov, nuint riovcnt, nuint flags);

    [LibraryImport(Library, SetLastError = true)]
    internal static partial nint process_vm_writev(
        int pid, in IoVector local_iov, nuint liovcnt, in IoVector remote_iov, nuint riovcnt, nuint flags);
}
