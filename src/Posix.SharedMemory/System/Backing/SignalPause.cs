using Posix.SharedMemory.Interop;
using static Posix.SharedMemory.Interop.Linux;

namespace Posix.SharedMemory;

/// <summary>Keeps signals away from this thread, until it is disposed: for a long call that the kernel would begin again after each of them.</summary>
/// <remarks>A signal to the process goes to another thread; one to this thread comes when this is disposed. If the kernel refuses, they come as before.</remarks>
internal readonly ref struct SignalPause : IDisposable
{
    // Not the ones that a fault of this thread raises, because a blocked one ends the process; and not those that the C library sends between its own threads.
    private const ulong Blocked = ~((1UL << (4 - 1)) | (1UL << (5 - 1)) | (1UL << (6 - 1)) | (1UL << (7 - 1)) | (1UL << (8 - 1)) | (1UL << (11 - 1)) | (7UL << (32 - 1)));

    private readonly ulong _before;
    private readonly bool _isBlocking;

    internal SignalPause(SystemCalls calls) =>
        _isBlocking = (calls.Fails("rt_sigprocmask") ? -1 : Libc.rt_sigprocmask(SYS_rt_sigprocmask, SIG_BLOCK, Blocked, out _before, sizeof(ulong))) == 0;

    public void Dispose()
    {
        if (_isBlocking)
        {
            _ = Libc.rt_sigprocmask(SYS_rt_sigprocmask, SIG_SETMASK, _before, out _, sizeof(ulong));
        }
    }
}
