using System.Runtime.InteropServices;

namespace Posix.SharedMemory.Interop;

/// <summary><c>struct page_region</c>, Linux 6.7: neighbouring pages of a process that have the same properties.</summary>
[StructLayout(LayoutKind.Explicit, Size = 24)]
internal struct LinuxPageRegion
{
    [FieldOffset(0)] internal ulong start;
    [FieldOffset(8)] internal ulong end;
    [FieldOffset(16)] internal ulong categories;
}
