using Microsoft.Win32.SafeHandles;
using Posix.SharedMemory.Interop;

namespace Posix.SharedMemory;

/// <summary>Makes pipes.</summary>
internal static class Pipes
{
    /// <summary>Makes a pipe whose ends have a flag, such as close-on-exec, from the start.</summary>
    internal static unsafe void Open(SystemCalls calls, int flags, out SafeFileHandle reader, out SafeFileHandle writer)
    {
        var ends = stackalloc int[2];
        // SAFETY: the kernel fills the two integers.
        SystemCalls.Check(calls.Fails(nameof(Libc.pipe2)) ? -1 : Libc.pipe2(ends, flags), nameof(Libc.pipe2));
        reader = new(ends[0], ownsHandle: true);
        writer = new(ends[1], ownsHandle: true);
    }
}
