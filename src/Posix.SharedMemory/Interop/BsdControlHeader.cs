using System.Runtime.InteropServices;

namespace Posix.SharedMemory.Interop;

/// <summary><c>struct cmsghdr</c> of macOS and FreeBSD. What follows it is aligned differently by the two.</summary>
[StructLayout(LayoutKind.Explicit, Size = 12)]
internal struct BsdControlHeader
{
    [FieldOffset(0)] internal uint cmsg_len;
    [FieldOffset(4)] internal int cmsg_level;
    [FieldOffset(8)] internal int cmsg_type;
}
