using System.Runtime.InteropServices;

namespace Posix.SharedMemory;

/// <summary>One wait for room in a socket. The caller awaits the task; <see cref="WriteReadiness"/> completes it.</summary>
/// <param name="readiness">Where it waits.</param>
/// <param name="socket">The socket, which it keeps open.</param>
internal sealed class WriteWaiter(WriteReadiness readiness, SafeHandle socket)
    : TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously)
{
    /// <summary>Gets the socket's number, valid while the socket is held.</summary>
    internal int Descriptor => (int)socket.DangerousGetHandle();

    /// <summary>Keeps the socket open.</summary>
    /// <exception cref="ObjectDisposedException">It is disposed.</exception>
    internal void Hold()
    {
        var held = false;
        socket.DangerousAddRef(ref held);
    }

    internal void LetGo() => socket.DangerousRelease();

    /// <summary>Ends the wait; the socket is released when it is no longer polled.</summary>
    internal void Cancel(CancellationToken cancellationToken)
    {
        if (TrySetCanceled(cancellationToken))
        {
            readiness.Wake();
        }
    }
}
