using System.Runtime.InteropServices;

namespace Posix.SharedMemory;

/// <summary>The number of a descriptor, which its handle cannot close until this is disposed.</summary>
internal readonly ref struct PinnedDescriptor
{
    private readonly SafeHandle _handle;

    /// <summary>Takes a reference to the handle.</summary>
    /// <exception cref="ObjectDisposedException">The handle is closed.</exception>
    internal PinnedDescriptor(SafeHandle handle)
    {
        var isTaken = false;
        handle.DangerousAddRef(ref isTaken);
        _handle = handle;
        Number = (int)handle.DangerousGetHandle();
    }

    internal int Number { get; }

    public void Dispose() => _handle.DangerousRelease();
}
