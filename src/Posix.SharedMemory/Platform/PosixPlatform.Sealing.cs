using Posix.SharedMemory.Interop;

namespace Posix.SharedMemory;

// Seals: one pair of fcntl commands, whose numbers differ.
internal abstract partial class PosixPlatform
{
    /// <summary>The seals that this system enforces; none where it has no seals.</summary>
    private protected virtual MemorySeals EnforcedSeals => MemorySeals.None;

    private protected virtual int GetSealsCommand => 0;

    private protected virtual int AddSealsCommand => 0;

    internal override Errno GetSeals(in OpenObject target, out MemorySeals seals)
    {
        seals = MemorySeals.None;
        if (EnforcedSeals == MemorySeals.None)
        {
            return default;
        }

        nint result = Fails("fcntl(F_GET_SEALS)") ? -1 : Libc.fcntl(target.Handle, GetSealsCommand, 0);
        // FreeBSD keeps numbers that it does not know, and enforces nothing for them.
        seals = result == -1 ? MemorySeals.None : (MemorySeals)result & EnforcedSeals;
        return ErrorOf(result);
    }

    internal override Errno AddSeals(in OpenObject target, MemorySeals seals)
    {
        if (EnforcedSeals == MemorySeals.None)
        {
            throw new PlatformNotSupportedException(
                "This system has no seals. Keep the object to yourself, or give others a descriptor that is open for reading only.");
        }

        return (seals & ~EnforcedSeals) is not MemorySeals.None and var unknown
            ? throw new PlatformNotSupportedException(
                $"This system has no {unknown} seal: it would keep the number and enforce nothing. Seal against {EnforcedSeals}.")
            : ErrorOf(Fails("fcntl(F_ADD_SEALS)") ? -1 : Libc.fcntl(target.Handle, AddSealsCommand, (nint)seals));
    }

    private protected SharedMemoryException Refused(Errno error, string operation, in OpenObject target, MemorySeals suspects) =>
        SealRefusal.Describe(this, error, operation, target, suspects);
}
