using System.Runtime.InteropServices;

namespace Posix.SharedMemory.Interop;

/// <summary><c>struct statx</c>, Linux: the same on every architecture.</summary>
[StructLayout(LayoutKind.Explicit, Size = 256)]
internal struct LinuxStatx
{
    [FieldOffset(0)] internal uint stx_mask;
    [FieldOffset(16)] internal uint stx_nlink;
    [FieldOffset(20)] internal uint stx_uid;
    [FieldOffset(24)] internal uint stx_gid;
    [FieldOffset(28)] internal ushort stx_mode;
    [FieldOffset(32)] internal ulong stx_ino;
    [FieldOffset(40)] internal ulong stx_size;
    [FieldOffset(48)] internal ulong stx_blocks;
    [FieldOffset(64)] internal LinuxStatxTimestamp stx_atime;
    [FieldOffset(80)] internal LinuxStatxTimestamp stx_btime;
    [FieldOffset(96)] internal LinuxStatxTimestamp stx_ctime;
    [FieldOffset(112)] internal LinuxStatxTimestamp stx_mtime;
    [FieldOffset(136)] internal uint stx_dev_major;
    [FieldOffset(140)] internal uint stx_dev_minor;
}
