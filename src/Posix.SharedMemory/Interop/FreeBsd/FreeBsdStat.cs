using System.Runtime.InteropServices;

namespace Posix.SharedMemory.Interop;

/// <summary><c>struct stat</c> of 64-bit FreeBSD 12 and later.</summary>
[StructLayout(LayoutKind.Explicit, Size = 224)]
internal struct FreeBsdStat
{
    [FieldOffset(0)] internal ulong st_dev;
    [FieldOffset(8)] internal ulong st_ino;
    [FieldOffset(16)] internal ulong st_nlink;
    [FieldOffset(24)] internal ushort st_mode;
    [FieldOffset(28)] internal uint st_uid;
    [FieldOffset(32)] internal uint st_gid;
    [FieldOffset(48)] internal long st_atim_sec;
    [FieldOffset(56)] internal long st_atim_nsec;
    [FieldOffset(64)] internal long st_mtim_sec;
    [FieldOffset(72)] internal long st_mtim_nsec;
    [FieldOffset(80)] internal long st_ctim_sec;
    [FieldOffset(88)] internal long st_ctim_nsec;
    [FieldOffset(96)] internal long st_birthtim_sec;
    [FieldOffset(104)] internal long st_birthtim_nsec;
    [FieldOffset(112)] internal long st_size;
    [FieldOffset(120)] internal long st_blocks;
    [FieldOffset(128)] internal int st_blksize;
}
