using System.Runtime.InteropServices;

namespace Posix.SharedMemory.Interop;

/// <summary><c>struct sysinfo</c> of 64-bit Linux. Sizes are in units of <see cref="mem_unit"/> bytes.</summary>
[StructLayout(LayoutKind.Explicit, Size = 112)]
internal struct LinuxSysinfo
{
    [FieldOffset(32)] internal ulong totalram;
    [FieldOffset(40)] internal ulong freeram;
    [FieldOffset(48)] internal ulong sharedram;
    [FieldOffset(56)] internal ulong bufferram;
    [FieldOffset(72)] internal ulong freeswap;
    [FieldOffset(104)] internal uint mem_unit;
}
