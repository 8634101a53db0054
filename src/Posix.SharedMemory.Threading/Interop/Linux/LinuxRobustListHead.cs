using System.Runtime.InteropServices;

namespace Posix.SharedMemory.Threading.Interop;

/// <summary><c>struct robust_list_head</c>: where the kernel finds what it marks when the thread ends.</summary>
[StructLayout(LayoutKind.Sequential)]
internal struct LinuxRobustListHead
{
    internal nint list_next;
    internal nint futex_offset;
    internal nint list_op_pending;
}
