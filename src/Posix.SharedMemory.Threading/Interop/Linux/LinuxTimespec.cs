using System.Runtime.InteropServices;

namespace Posix.SharedMemory.Threading.Interop;

/// <summary><c>struct timespec</c> of 64-bit Linux.</summary>
[StructLayout(LayoutKind.Sequential)]
internal struct LinuxTimespec
{
    internal long tv_sec;
    internal long tv_nsec;
}
