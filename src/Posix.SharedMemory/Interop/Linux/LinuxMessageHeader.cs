using System.Runtime.InteropServices;

namespace Posix.SharedMemory.Interop;

/// <summary><c>struct msghdr</c> of 64-bit Linux: the lengths are as wide as pointers.</summary>
[StructLayout(LayoutKind.Explicit, Size = 56)]
internal struct LinuxMessageHeader
{
    [FieldOffset(0)] internal nint msg_name;
    [FieldOffset(8)] internal uint msg_namelen;
    [FieldOffset(16)] internal nint msg_iov;
    [FieldOffset(24)] internal nuint msg_iovlen;
    [FieldOffset(32)] internal nint msg_control;
    [FieldOffset(40)] internal nuint msg_controllen;
    [FieldOffset(48)] internal int msg_flags;
}
