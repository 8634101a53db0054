using System.Runtime.InteropServices;

namespace Posix.SharedMemory.Interop;

/// <summary><c>struct cmsghdr</c> of 64-bit Linux.</summary>
[StructLayout(LayoutKind.Explicit, Size = 16)]
internal struct LinuxControlHeader
{
    [FieldOffset(0)] internal nuint cmsg_len;
    [FieldOffset(8)] internal int cmsg_level;
    [FieldOffset(12)] internal int cmsg_type;
}
