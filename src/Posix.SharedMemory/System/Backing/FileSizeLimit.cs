using Posix.SharedMemory.Interop;
using static Posix.SharedMemory.Interop.Unix;

namespace Posix.SharedMemory;

/// <summary>How large this process may make files (<c>RLIMIT_FSIZE</c>). The kernel answers what is larger with SIGXFSZ, which ends the process.</summary>
internal readonly struct FileSizeLimit(SystemCalls calls)
{
    /// <summary>Throws where a write would reach further, also inside the object: the kernel applies the limit there, too.</summary>
    internal void Check(string operation, in OpenObject target, long end)
    {
        var limit = Get(target);
        if ((ulong)end > limit)
        {
            throw Exceeded(operation, target, end, limit);
        }
    }

    /// <summary>Returns the limit in bytes; <see cref="ulong.MaxValue"/> where there is none.</summary>
    internal ulong Get(in OpenObject target)
    {
        ResourceLimit current = default;
        SystemCalls.Check(calls.Fails(nameof(Libc.getrlimit)) ? -1 : Libc.getrlimit(RLIMIT_FSIZE, out current), nameof(Libc.getrlimit), target.Name);
        return current.rlim_cur;
    }

    internal static SharedMemoryException Exceeded(string operation, in OpenObject target, long end, ulong limit) => new(
        Errno.EFBIG, operation, target.Name.Text, $"{end} bytes requested, where RLIMIT_FSIZE allows this process {limit}");
}
