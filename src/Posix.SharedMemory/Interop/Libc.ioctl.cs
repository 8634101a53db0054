using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace Posix.SharedMemory.Interop;

// ioctl(2). Variadic in C: each import fixes one kind of third argument.
internal static partial class Libc
{
    [LibraryImport(Library, EntryPoint = "ioctl", SetLastError = true)]
    internal static partial int ioctl_pagemap(SafeFileHandle fd, nuint op, ref LinuxPagemapScan arg);
}
