using System.Runtime.InteropServices;
using Posix.SharedMemory.Threading.Interop;

namespace Posix.SharedMemory.Threading;

/// <summary>FreeBSD: <c>_umtx_op</c>. Written from its manual page and header; it was never run on FreeBSD.</summary>
/// <remarks><see href="https://man.freebsd.org/cgi/man.cgi?query=_umtx_op&amp;sektion=2">_umtx_op(2)</see></remarks>
internal class FreeBsdKernel : SeatlessKernel
{
    // SAFETY: addresses are handed on: whoever calls holds what they point to.
    internal override string WhyNoSeats => NoMarks + "FreeBSD";

    protected override string WaitCall => "_umtx_op(UMTX_OP_WAIT_UINT)";

    /// <summary>The system does not say how many it woke: counted as all that were meant, so that the mark of sleepers stays.</summary>
    internal override unsafe int Wake(uint* word, int count, bool isPrivate = false)
    {
        var errno = WakeOn(word, count, isPrivate);
        return errno == 0 ? (count == int.MaxValue ? 1 : count) : throw new SharedMemoryException(ErrnoNumbers.FromNative(errno), "_umtx_op(UMTX_OP_WAKE)");
    }

    protected override unsafe int WaitOn(uint* word, uint value, bool isPrivate, long nanoseconds)
    {
        var timeout = new FreeBsdUmtxTime { tv_sec = nanoseconds / Deadline.Second, tv_nsec = nanoseconds % Deadline.Second, _clockid = FreeBsd.CLOCK_MONOTONIC };
        // The size of the structure stands in the place of an address: so the kernel tells it from a struct timespec.
        // SAFETY: the timeout lies on the stack for the call.
        return Check(Libc._umtx_op(word, isPrivate ? FreeBsd.UMTX_OP_WAIT_UINT_PRIVATE : FreeBsd.UMTX_OP_WAIT_UINT, value, (void*)sizeof(FreeBsdUmtxTime), &timeout));
    }

    /// <summary>Wakes sleepers of a word.</summary>
    /// <returns>0, or the system's own number of the error.</returns>
    protected virtual unsafe int WakeOn(uint* word, int count, bool isPrivate) =>
        Check(Libc._umtx_op(word, isPrivate ? FreeBsd.UMTX_OP_WAKE_PRIVATE : FreeBsd.UMTX_OP_WAKE, (nuint)count, null, null));

    private static int Check(int result) => result < 0 ? Marshal.GetLastPInvokeError() : 0;
}
