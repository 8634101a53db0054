using Posix.SharedMemory.Interop;
using static Posix.SharedMemory.Interop.Unix;

namespace Posix.SharedMemory;

/// <summary>What macOS and FreeBSD have in common: how a descriptor was opened.</summary>
internal abstract class BsdSeals(SystemCalls calls) : PosixSeals(calls)
{
    private readonly SystemCalls _calls = calls;

    /// <summary>Returns what a descriptor was opened for; <see langword="null"/> for writing alone, through which nothing can be mapped.</summary>
    private protected FileAccess? AccessOf(in OpenObject target)
    {
        nint flags = _calls.Fails("fcntl(F_GETFL)") ? -1 : Libc.fcntl(target.Handle, F_GETFL, 0);
        SystemCalls.Check(flags, "fcntl(F_GETFL)", target.Name);
        return (flags & O_ACCMODE) switch
        {
            O_RDONLY => FileAccess.Read,
            O_RDWR => FileAccess.ReadWrite,
            _ => null,
        };
    }
}
