namespace Posix.SharedMemory.Threading.Interop;

/// <summary>FreeBSD's numbers, under C's names: from the headers sys/umtx.h and time.h of FreeBSD 13 and later, read and not compiled here.</summary>
internal static class FreeBsd
{
    internal const int UMTX_OP_WAKE = 3, UMTX_OP_WAIT_UINT = 11, UMTX_OP_WAIT_UINT_PRIVATE = 15, UMTX_OP_WAKE_PRIVATE = 16;
    internal const uint CLOCK_MONOTONIC = 4;
}
