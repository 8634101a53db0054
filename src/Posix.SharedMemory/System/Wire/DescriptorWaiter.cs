using System.Runtime.InteropServices;

namespace Posix.SharedMemory;

/// <summary>One wait for a descriptor: the waiting code awaits the task; <see cref="DescriptorReadiness"/> completes it.</summary>
/// <param name="readiness">Where it waits.</param>
/// <param name="handle">The descriptor, which it keeps open.</param>
/// <param name="forWriting">Whether it waits for room, and not for bytes.</param>
internal sealed class DescriptorWaiter(DescriptorReadiness readiness, SafeHandle handle, bool forWriting)
    : TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously)
{
    /// <summary>Gets the descriptor's number, valid while it is held.</summary>
    internal int Descriptor => (int)handle.DangerousGetHandle();

    internal bool ForWriting => forWriting;

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
            readiness.Wake();
        }
    }
}
