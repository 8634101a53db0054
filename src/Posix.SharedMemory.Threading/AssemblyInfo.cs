using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

[assembly: DisableRuntimeMarshalling]
// Lists of words on the stack are filled before they are read.
[module: SkipLocalsInit]
// libc comes from the system's directories, never from beside the program.
[assembly: DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
