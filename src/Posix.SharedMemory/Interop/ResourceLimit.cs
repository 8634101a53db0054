using System.Runtime.InteropServices;

namespace Posix.SharedMemory.Interop;

/// <summary><c>struct rlimit</c>: the same on every 64-bit system.</summary>
[StructLayout(LayoutKind.Explicit, Size = 16)]
internal struct ResourceLimit
{
    [FieldOffset(0)] internal ulong rlim_cur;
    [FieldOffset(8)] internal ulong rlim_max;
}
