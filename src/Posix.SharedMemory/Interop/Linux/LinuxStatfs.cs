using System.Runtime.InteropServices;

namespace Posix.SharedMemory.Interop;

/// <summary><c>struct statfs</c> of 64-bit Linux.</summary>
[StructLayout(LayoutKind.Explicit, Size = 120)]
internal struct LinuxStatfs
{
    [FieldOffset(0)] internal long f_type;
    [FieldOffset(8)] internal long f_bsize;
    [FieldOffset(16)] internal ulong f_blocks;
    [FieldOffset(24)] internal ulong f_bfree;
    [FieldOffset(32)] internal ulong f_bavail;
    [FieldOffset(40)] internal ulong f_files;
    [FieldOffset(48)] internal ulong f_ffree;
    [FieldOffset(72)] internal long f_frsize;
}
