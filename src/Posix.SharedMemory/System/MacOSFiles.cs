using System.Runtime.InteropServices;
using Posix.SharedMemory.Interop;

namespace Posix.SharedMemory;

/// <summary>macOS: what the kernel reports of a descriptor, for more than one role.</summary>
internal sealed class MacOSFiles(SystemCalls calls)
{
    /// <summary>Gets whether this process runs arm64 code; under Rosetta it runs x86-64 code, by that architecture's conventions.</summary>
    internal static bool IsArm64 => RuntimeInformation.ProcessArchitecture == Architecture.Arm64;

    internal MacOSStat Stat(in OpenObject target)
    {
        MacOSStat stat = default;
        nint result = calls.Fails("fstat") ? -1
            : IsArm64 ? Libc.fstat_apple_arm64(target.Handle, out stat)
            : Libc.fstat_apple_x64(target.Handle, out stat);
        SystemCalls.Check(result, "fstat", target.Name);
        return stat;
    }

    internal SharedMemoryStatus StatusOf(in OpenObject target)
    {
        var stat = Stat(target);
        return new()
        {
            Length = stat.st_size,
            Permissions = (UnixFileMode)(stat.st_mode & 0xFFF),
            UserId = stat.st_uid,
            GroupId = stat.st_gid,
            // Zero for shared memory; files have them.
            Identity = new((uint)stat.st_dev, stat.st_ino),
        };
    }
}
