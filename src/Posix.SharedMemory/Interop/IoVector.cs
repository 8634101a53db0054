using System.Runtime.InteropServices;

namespace Posix.SharedMemory.Interop;

/// <summary><c>struct iovec</c>: the same on every 64-bit system.</summary>
[StructLayout(LayoutKind.Explicit, Size = 16)]
internal struct IoVector
{
    [FieldOffset(0)] internal nint iov_base;
    [FieldOffset(8)] internal nuint iov_len;
}
