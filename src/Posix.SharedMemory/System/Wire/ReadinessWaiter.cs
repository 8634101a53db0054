using System.Runtime.InteropServices;

namespace Posix.SharedMemory;

/// <summary>One wait for a descriptor. The caller awaits the task; <see cref="ReadinessThread"/> completes it.</summary>
/// <param name="thread">Which thread waits.</param>
/// <param name="handle">The descriptor, which it keeps open.</param>
/// <param name="forWriting">Whether to wait until it takes bytes, not until it has some.</param>
/// <param name="isOurs">Whether its owner cancels the wait before it closes the descriptor.</param>
internal sealed class ReadinessWaiter(ReadinessThread thread, SafeHandle handle, bool forWriting, bool isOurs)
    : TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously)
{
    /// <summary>Gets what to wait for, valid while the descriptor is held.</summary>
    internal Readiness Readiness => new((int)handle.DangerousGetHandle(), forWriting);

    /// <summary>Gets whether the descriptor may be disposed while it is waited for, without anything being said.</summary>
    internal bool MayBeDisposed => !isOurs;

    /// <summary>Keeps the descriptor open.</summary>
    /// <exception cref="ObjectDisposedException">It is disposed.</exception>
    internal void Hold()
    {
        var held = false;
        handle.DangerousAddRef(ref held);
    }

    internal void LetGo() => handle.DangerousRelease();

    /// <summary>Ends the wait; the descriptor is released when it is no longer polled.</summary>
    internal void Cancel(CancellationToken cancellationToken)
    {
        if (TrySetCanceled(cancellationToken))
        {
            thread.Wake();
        }
    }
}
