using Microsoft.Win32.SafeHandles;

namespace Posix.SharedMemory.Tests.Passing;

/// <summary>Memory to pass around that this process's descriptors of can be counted.</summary>
internal sealed class Tracked : IDisposable
{
    internal Tracked(int length = 100) => Memory = SharedMemoryObject.CreateAnonymous(length, new() { DebugName = Name });

    /// <summary>Gets what /proc calls it.</summary>
    internal string Name { get; } = SharedMemoryObject.CreateUniqueName("passed");

    internal SharedMemoryObject Memory { get; }

    internal SafeFileHandle Handle => Memory.SafeFileHandle;

    /// <summary>Gets how many descriptors this process has of it: 1 where nothing else is left.</summary>
    internal int Descriptors => Held.Descriptors(Name).Count;

    /// <summary>Whether a handle is open on this memory.</summary>
    internal bool IsBehind(SafeFileHandle handle)
    {
        using var other = SharedMemoryObject.FromHandle(new(handle.DangerousGetHandle(), ownsHandle: false));
        return other.GetStatus().Identity == Memory.GetStatus().Identity;
    }

    public void Dispose() => Memory.Dispose();
}
