using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

[assembly: DisableRuntimeMarshalling]
// Paths and structs on the stack are filled by what is called; clearing them first costs as much as some calls.
[module: SkipLocalsInit]
// libc comes from the system's directories, never from beside the program.
[assembly: DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
