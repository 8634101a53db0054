using Microsoft.Win32.SafeHandles;

namespace Posix.SharedMemory.Tests.Passing;

/// <summary>Memory to pass around that this process's descriptors of can be counted.</summary>
internal sealed class Tracked : IDisposable
{
    private readonly string _name = SharedMemoryDirectory.CreateUniqueName("passed");

    internal Tracked(int length = 100)
    {
        Memory = SharedMemoryObject.CreateAnonymous(length, new() { DebugName = _name });
    }

    internal SharedMemoryObject Memory { get; }

    internal SafeFileHandle Handle => Memory.SafeFileHandle;

    /// <summary>Gets how many descriptors this process has of it: 1 where nothing else is left.</summary>
    internal int Descriptors => Held.Descriptors(_name).Count;

    /// <summary>Whether a handle is open on this memory.</summary>
    internal bool IsBehind(SafeFileHandle handle)
    {
        using var other = SharedMemoryObject.FromHandle(new(handle.DangerousGetHandle(), ownsHandle: false));
        return other.GetStatus().Identity == Memory.GetStatus().Identity;
    }

    public void Dispose() => Memory.Dispose();
}
