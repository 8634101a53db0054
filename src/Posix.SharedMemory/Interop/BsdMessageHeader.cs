using System.Runtime.InteropServices;

namespace Posix.SharedMemory.Interop;

/// <summary><c>struct msghdr</c> of 64-bit macOS and FreeBSD: the lengths have 32 bits.</summary>
[StructLayout(LayoutKind.Explicit, Size = 48)]
internal struct BsdMessageHeader
{
    [FieldOffset(0)] internal nint msg_name;
    [FieldOffset(8)] internal uint msg_namelen;
    [FieldOffset(16)] internal nint msg_iov;
    [FieldOffset(24)] internal int msg_iovlen;
    [FieldOffset(32)] internal nint msg_control;
    [FieldOffset(40)] internal uint msg_controllen;
    [FieldOffset(44)] internal int msg_flags;
}
