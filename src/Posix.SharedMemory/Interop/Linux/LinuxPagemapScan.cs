using System.Runtime.InteropServices;

namespace Posix.SharedMemory.Interop;

/// <summary><c>struct pm_scan_arg</c>, Linux 6.7: what is looked for in a process's page table, and where the answers go.</summary>
[StructLayout(LayoutKind.Explicit, Size = 96)]
internal struct LinuxPagemapScan
{
    [FieldOffset(0)] internal ulong size;
    [FieldOffset(8)] internal ulong flags;
    [FieldOffset(16)] internal ulong start;
    [FieldOffset(24)] internal ulong end;
    [FieldOffset(32)] internal ulong walk_end;
    [FieldOffset(40)] internal ulong vec;
    [FieldOffset(48)] internal ulong vec_len;
    [FieldOffset(56)] internal ulong max_pages;
    [FieldOffset(64)] internal ulong category_inverted;
    [FieldOffset(72)] internal ulong category_mask;
    [FieldOffset(80)] internal ulong category_anyof_mask;
    [FieldOffset(88)] internal ulong return_mask;
}
