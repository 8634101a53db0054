using System.Runtime.InteropServices;

namespace Posix.SharedMemory.Interop;

/// <summary><c>struct ucred</c> of Linux.</summary>
[StructLayout(LayoutKind.Explicit, Size = 12)]
internal struct LinuxCredentials
{
    [FieldOffset(0)] internal int pid;
    [FieldOffset(4)] internal uint uid;
    [FieldOffset(8)] internal uint gid;
}
