using System.Runtime.InteropServices;

namespace Posix.SharedMemory.Interop;

/// <summary><c>struct flock</c> of 64-bit Linux.</summary>
[StructLayout(LayoutKind.Explicit, Size = 32)]
internal struct LinuxFlock
{
    [FieldOffset(0)] internal short l_type;
    [FieldOffset(2)] internal short l_whence;
    [FieldOffset(8)] internal long l_start;
    [FieldOffset(16)] internal long l_len;
    [FieldOffset(24)] internal int l_pid;
}
