using System.Runtime.InteropServices;
using Posix.SharedMemory.Threading.Interop;

namespace Posix.SharedMemory.Threading;

/// <summary>macOS 14.4 and later: <c>os_sync_wait_on_address</c> and its kin. Written from the header and Apple's pages; it was never run on macOS.</summary>
internal class MacKernel : SeatlessKernel
{
    // SAFETY: addresses are handed on: whoever calls holds what they point to.
    internal override string WhyNoSeats => NoMarks + "macOS";

    protected override string WaitCall => "os_sync_wait_on_address_with_timeout";

    /// <summary>As far as the system says: it reports whether there was a sleeper, not how many. All at once count as one.</summary>
    internal override unsafe int Wake(uint* word, int count, bool isPrivate = false)
    {
        var isAll = count == int.MaxValue;
        for (var woken = 0; woken < count;)
        {
            switch (WakeOn(word, isAll, isPrivate))
            {
                case 0 when isAll:
                    return 1;
                case 0:
                    woken++;
                    break;
                case Bsd.ENOENT:
                    return woken;
                case Bsd.EINTR:
                    break;
                case var errno:
                    throw new SharedMemoryException(ErrnoNumbers.FromNative(errno), isAll ? "os_sync_wake_by_address_all" : "os_sync_wake_by_address_any");
            }
        }

        return count;
    }

    protected override unsafe int WaitOn(uint* word, uint value, bool isPrivate, long nanoseconds) => Check(Libc.os_sync_wait_on_address_with_timeout(
        word, value, sizeof(uint), isPrivate ? MacOS.OS_SYNC_WAIT_ON_ADDRESS_NONE : MacOS.OS_SYNC_WAIT_ON_ADDRESS_SHARED, MacOS.OS_CLOCK_MACH_ABSOLUTE_TIME, (ulong)nanoseconds));

    /// <summary>Wakes one sleeper, or all.</summary>
    /// <returns>0, or the system's own number of the error; ENOENT: nobody sleeps.</returns>
    protected virtual unsafe int WakeOn(uint* word, bool isAll, bool isPrivate)
    {
        var flags = isPrivate ? MacOS.OS_SYNC_WAKE_BY_ADDRESS_NONE : MacOS.OS_SYNC_WAKE_BY_ADDRESS_SHARED;
        return Check(isAll ? Libc.os_sync_wake_by_address_all(word, sizeof(uint), flags) : Libc.os_sync_wake_by_address_any(word, sizeof(uint), flags));
    }

    private static int Check(int result) => result < 0 ? Marshal.GetLastPInvokeError() : 0;
}
