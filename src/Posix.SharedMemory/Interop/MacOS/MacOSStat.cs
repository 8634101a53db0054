using System.Runtime.InteropServices;

namespace Posix.SharedMemory.Interop;

/// <summary><c>struct stat</c> of macOS with 64-bit inode numbers.</summary>
[StructLayout(LayoutKind.Explicit, Size = 144)]
internal struct MacOSStat
{
    [FieldOffset(4)] internal ushort st_mode;
    [FieldOffset(16)] internal uint st_uid;
    [FieldOffset(20)] internal uint st_gid;
    [FieldOffset(96)] internal long st_size;
}
