using Posix.SharedMemory.Interop;

namespace Posix.SharedMemory;

/// <summary>Seals as every system has them that has any: one pair of <c>fcntl</c> commands, whose numbers differ.</summary>
internal abstract class PosixSeals(SystemCalls calls) : SystemSeals
{
    /// <summary>Gets the seals that this system enforces; none where it has no seals.</summary>
    private protected virtual MemorySeals Enforced => MemorySeals.None;

    private protected virtual int GetCommand => 0;

    private protected virtual int AddCommand => 0;

    internal override long GetPageSize(in OpenObject target) => MemoryPage.Size;

    internal override Errno Get(in OpenObject target, out MemorySeals seals)
    {
        seals = MemorySeals.None;
        if (Enforced == MemorySeals.None)
        {
            return default;
        }

        nint result = calls.Fails("fcntl(F_GET_SEALS)") ? -1 : Libc.fcntl(target.Handle, GetCommand, 0);
        // FreeBSD keeps numbers that it does not know, and enforces nothing for them.
        seals = result == -1 ? MemorySeals.None : (MemorySeals)result & Enforced;
        return SystemCalls.ErrorOf(result);
    }

    internal override Errno Add(in OpenObject target, MemorySeals seals)
    {
        if (Enforced == MemorySeals.None)
        {
            throw new PlatformNotSupportedException(
                "This system has no seals. Keep the object to yourself, or give others a descriptor that is open for reading only.");
        }

        return (seals & ~Enforced) is not MemorySeals.None and var unknown
            ? throw new PlatformNotSupportedException(
                $"This system has no {unknown} seal: it would keep the number and enforce nothing. Seal against {Enforced}.")
            : SystemCalls.ErrorOf(calls.Fails("fcntl(F_ADD_SEALS)") ? -1 : Libc.fcntl(target.Handle, AddCommand, (nint)seals));
    }
}
