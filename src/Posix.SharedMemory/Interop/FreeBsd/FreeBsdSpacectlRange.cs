using System.Runtime.InteropServices;

namespace Posix.SharedMemory.Interop;

/// <summary><c>struct spacectl_range</c>, FreeBSD 14.</summary>
[StructLayout(LayoutKind.Explicit, Size = 16)]
internal struct FreeBsdSpacectlRange
{
    [FieldOffset(0)] internal long r_offset;
    [FieldOffset(8)] internal long r_len;
}
