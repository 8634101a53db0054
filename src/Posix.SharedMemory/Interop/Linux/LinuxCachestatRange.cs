using System.Runtime.InteropServices;

namespace Posix.SharedMemory.Interop;

/// <summary><c>struct cachestat_range</c>, Linux 6.5.</summary>
[StructLayout(LayoutKind.Explicit, Size = 16)]
internal struct LinuxCachestatRange
{
    [FieldOffset(0)] internal ulong off;
    [FieldOffset(8)] internal ulong len;
}
