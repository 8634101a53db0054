using System.Runtime.InteropServices;

namespace Posix.SharedMemory.Threading.Interop;

/// <summary><c>struct _umtx_time</c> of 64-bit FreeBSD: a timeout, relative without flags, and its clock.</summary>
[StructLayout(LayoutKind.Explicit, Size = 24)]
internal struct FreeBsdUmtxTime
{
    [FieldOffset(0)] internal long tv_sec;
    [FieldOffset(8)] internal long tv_nsec;
    [FieldOffset(16)] internal uint _flags;
    [FieldOffset(20)] internal uint _clockid;
}
