using System.IO.Pipes;
using System.Runtime.InteropServices;

namespace Posix.SharedMemory.Channels.Tests.Connections;

/// <summary>A descriptor that is not memory, and how many more this process has of it.</summary>
internal sealed class Stray : IDisposable
{
    private readonly AnonymousPipeServerStream _pipe = new();
    private readonly int _own;

    internal Stray() => _own = All();

    internal SafeHandle Handle => _pipe.SafePipeHandle;

    /// <summary>Gets how many there are beside its own.</summary>
    internal int Count => All() - _own;

    public void Dispose() => _pipe.Dispose();

    private int All()
    {
        var target = new FileInfo($"/proc/self/fd/{Handle.DangerousGetHandle()}").LinkTarget;
        return Directory.EnumerateFileSystemEntries("/proc/self/fd").Count(path => new FileInfo(path).LinkTarget == target);
    }
}
