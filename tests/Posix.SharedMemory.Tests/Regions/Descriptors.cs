using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace Posix.SharedMemory.Tests.Regions;

/// <summary>What the tests of regions need of libc and the base library does not give without taking a lock.</summary>
internal static partial class Descriptors
{
    /// <summary>Opens a file, close-on-exec.</summary>
    internal static SafeFileHandle Open(string path, bool writable = true)
    {
        const int ReadWrite = 2, CloseOnExec = 0x80000;
        var descriptor = open(path, (writable ? ReadWrite : 0) | CloseOnExec);
        return descriptor >= 0 ? new(descriptor, ownsHandle: true) : throw new IOException($"open({path}): {Marshal.GetLastPInvokeErrorMessage()}");
    }

    /// <summary>1: close-on-exec.</summary>
    internal static int Flags(SafeHandle handle) => fcntl(handle, 1);

    [LibraryImport("libc", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial int open(string path, int flags);

    [LibraryImport("libc", SetLastError = true)]
    private static partial int fcntl(SafeHandle fd, int command);
}
