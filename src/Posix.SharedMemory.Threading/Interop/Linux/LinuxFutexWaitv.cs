using System.Runtime.InteropServices;

namespace Posix.SharedMemory.Threading.Interop;

/// <summary><c>struct futex_waitv</c>.</summary>
[StructLayout(LayoutKind.Sequential)]
internal struct LinuxFutexWaitv
{
    internal ulong val;
    internal ulong uaddr;
    internal uint flags;
    internal uint __reserved;
}
