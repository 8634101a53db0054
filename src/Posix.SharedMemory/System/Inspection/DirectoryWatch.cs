using Posix.SharedMemory.Inspection;

namespace Posix.SharedMemory;

/// <summary>A system's way to tell what happens to names.</summary>
internal abstract class DirectoryWatch : IDisposable
{
    /// <summary>Waits until something has happened, the time is over or the token says so; adds what happened.</summary>
    /// <returns>Whether anything was added.</returns>
    internal abstract bool Read(TimeSpan timeout, Queue<SharedMemoryChange> changes, CancellationToken cancellationToken);

    public abstract void Dispose();
}
