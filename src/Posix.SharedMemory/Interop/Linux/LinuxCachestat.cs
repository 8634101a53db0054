using System.Runtime.InteropServices;

namespace Posix.SharedMemory.Interop;

/// <summary><c>struct cachestat</c>, Linux 6.5: counts of pages.</summary>
[StructLayout(LayoutKind.Explicit, Size = 40)]
internal struct LinuxCachestat
{
    [FieldOffset(0)] internal ulong nr_cache;
    [FieldOffset(24)] internal ulong nr_evicted;
}
