using System.Runtime.InteropServices;

namespace Posix.SharedMemory.Interop;

/// <summary><c>struct statx_timestamp</c>, Linux.</summary>
[StructLayout(LayoutKind.Explicit, Size = 16)]
internal struct LinuxStatxTimestamp
{
    [FieldOffset(0)] internal long tv_sec;
    [FieldOffset(8)] internal uint tv_nsec;
}
