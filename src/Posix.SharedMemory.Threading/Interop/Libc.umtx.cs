using System.Runtime.InteropServices;

namespace Posix.SharedMemory.Threading.Interop;

// _umtx_op(2), FreeBSD.
internal static partial class Libc
{
    [LibraryImport(Library, SetLastError = true)]
    internal static unsafe partial int _umtx_op(void* obj, int op, nuint val, void* uaddr, void* uaddr2);
}
