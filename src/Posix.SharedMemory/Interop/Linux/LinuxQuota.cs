using System.Runtime.InteropServices;

namespace Posix.SharedMemory.Interop;

/// <summary><c>struct if_dqblk</c>: what a user may take of a file system. Limits are in blocks of 1 KiB, the space in use is in bytes.</summary>
[StructLayout(LayoutKind.Explicit, Size = 72)]
internal struct LinuxQuota
{
    [FieldOffset(0)] internal ulong dqb_bhardlimit;
    [FieldOffset(8)] internal ulong dqb_bsoftlimit;
    [FieldOffset(16)] internal ulong dqb_curspace;
    [FieldOffset(64)] internal uint dqb_valid;
}
