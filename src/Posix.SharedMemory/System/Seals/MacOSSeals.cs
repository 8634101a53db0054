using Microsoft.Win32.SafeHandles;
using Posix.SharedMemory.Interop;
using static Posix.SharedMemory.Interop.Bsd;

namespace Posix.SharedMemory;

/// <summary>macOS: no seals. Memory without a name has a random one for an instant; a kill in between leaves that, empty.</summary>
internal sealed class MacOSSeals(SystemCalls calls, MacOSFiles files, SystemNames names) : BsdSeals(calls)
{
    internal override SafeFileHandle CreateAnonymous(AnonymousRequest request, out long pageSize)
    {
        if (request.HugePages != HugePageSize.None || request.Executable)
        {
            throw new PlatformNotSupportedException("macOS has neither huge pages nor executable pages in shared memory.");
        }

        pageSize = MemoryPage.Size;
        while (true)
        {
            var name = ObjectName.Parse("anonymous-" + RandomText.Hex(14), nameof(Libc.shm_open));
            var error = names.Open(name, FileMode.CreateNew, FileAccess.ReadWrite, UnixFileMode.UserRead | UnixFileMode.UserWrite, out var handle);
            if (handle is not null)
            {
                _ = names.Unlink(name);
                return handle;
            }

            if (error != Errno.EEXIST)
            {
                throw new SharedMemoryException(error, nameof(Libc.shm_open));
            }
        }
    }

    internal override FileAccess? Examine(in OpenObject target, out long pageSize)
    {
        pageSize = MemoryPage.Size;
        // Files, pipes, sockets and devices have type bits; shared memory has none.
        return (files.Stat(target).st_mode & S_IFMT) == 0 ? AccessOf(target) : null;
    }
}
