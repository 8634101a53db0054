using System.Runtime.InteropServices;

namespace Posix.SharedMemory.Interop;

/// <summary><c>struct pollfd</c>: the same on every system.</summary>
[StructLayout(LayoutKind.Explicit, Size = 8)]
internal struct PollDescriptor
{
    [FieldOffset(0)] internal int fd;
    [FieldOffset(4)] internal short events;
    [FieldOffset(6)] internal short revents;
}
