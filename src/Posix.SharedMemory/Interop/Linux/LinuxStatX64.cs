using System.Runtime.InteropServices;

namespace Posix.SharedMemory.Interop;

/// <summary><c>struct stat</c> of <c>newfstatat</c>, Linux on x86-64.</summary>
[StructLayout(LayoutKind.Explicit, Size = 144)]
internal struct LinuxStatX64
{
    [FieldOffset(0)] internal ulong st_dev;
    [FieldOffset(8)] internal ulong st_ino;
    [FieldOffset(16)] internal ulong st_nlink;
    [FieldOffset(24)] internal uint st_mode;
    [FieldOffset(28)] internal uint st_uid;
    [FieldOffset(32)] internal uint st_gid;
    [FieldOffset(48)] internal long st_size;
    [FieldOffset(64)] internal long st_blocks;
    [FieldOffset(72)] internal long st_atim_sec;
    [FieldOffset(80)] internal long st_atim_nsec;
    [FieldOffset(88)] internal long st_mtim_sec;
    [FieldOffset(96)] internal long st_mtim_nsec;
    [FieldOffset(104)] internal long st_ctim_sec;
    [FieldOffset(112)] internal long st_ctim_nsec;
}
