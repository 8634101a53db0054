using System.Runtime.InteropServices;
using Posix.SharedMemory.Threading.Interop;

namespace Posix.SharedMemory.Threading.Tests;

/// <summary>Linux as a system that can do no more than macOS and FreeBSD: sleep on one word, wake without counting, mark nobody.</summary>
/// <param name="losesWakes">Every wake-up between processes is lost, as by a kill between the change of a word and the call.</param>
internal sealed class OneWordKernel(bool losesWakes) : SeatlessKernel
{
    internal override string WhyNoSeats => NoMarks + "a test";

    protected override string WaitCall => "futex(FUTEX_WAIT)";

    internal override unsafe int Wake(uint* word, int count, bool isPrivate = false)
    {
        if (isPrivate || !losesWakes)
        {
            _ = Libc.futex(Linux.SYS_futex, word, Linux.FUTEX_WAKE | (isPrivate ? Linux.FUTEX_PRIVATE_FLAG : 0), count, null, null, 0);
        }

        return count == int.MaxValue ? 1 : count;
    }

    protected override unsafe int WaitOn(uint* word, uint value, bool isPrivate, long nanoseconds)
    {
        var timeout = new LinuxTimespec { tv_sec = nanoseconds / Deadline.Second, tv_nsec = nanoseconds % Deadline.Second };
        // SAFETY: the caller holds the word, and the timeout lies on the stack for the call.
        return Libc.futex(Linux.SYS_futex, word, Linux.FUTEX_WAIT | (isPrivate ? Linux.FUTEX_PRIVATE_FLAG : 0), (nint)value, &timeout, null, 0) >= 0 ? 0
            : Marshal.GetLastPInvokeError() switch { Linux.EAGAIN => 0, Linux.ETIMEDOUT => Bsd.ETIMEDOUT, var errno => errno };
    }
}
