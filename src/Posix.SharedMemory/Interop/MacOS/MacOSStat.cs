using System.Runtime.InteropServices;

namespace Posix.SharedMemory.Interop;

/// <summary><c>struct stat</c> of macOS with 64-bit inode numbers.</summary>
[StructLayout(LayoutKind.Explicit, Size = 144)]
internal struct MacOSStat
{
    [FieldOffset(0)] internal int st_dev;
    [FieldOffset(4)] internal ushort st_mode;
    [FieldOffset(8)] internal ulong st_ino;
    [FieldOffset(16)] internal uint st_uid;
    [FieldOffset(20)] internal uint st_gid;
    [FieldOffset(96)] internal long st_size;
}
